import { type Code, indentOf, splitFences } from './fences.ts'

/**
 * A message's text as Markdown that stays inside its place in a document: headings are two levels lower, in
 * quotations and where items of lists begin too, so that none is as high as the document's own; fences that
 * are left open are closed; HTML outside code is shown, not obeyed. Code is as it was. Every kind of line end
 * becomes a newline, NUL becomes U+FFFD.
 */
export function markdownText(content: string): string {
  const lines: string[] = []
  for (const segment of splitFences(content.replaceAll('\0', '\ufffd'))) {
    if (segment.kind === 'code') writeCode(segment, lines)
    else writeText(segment.lines, lines)
  }
  return lines.join('\n')
}

/** Words for a heading or a list, without any of Markdown's meaning. */
export function markdownWords(text: string): string {
  return text
    .replaceAll('\0', '\ufffd')
    .replace(/[\\`*[\]]|~(?=~)|<(?=[a-z/!?])|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/giu, '\\$&')
    .replace(/(?<![^ ])#+$/, '\\$&')
}

/** Text as inline code, whatever backticks it has. */
export function markdownCode(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ')
  const longest = (line.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0)
  const fence = '`'.repeat(longest + 1)
  return /^[` ]|[` ]$/.test(line) ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`
}

/** A block in a list ends where a line has fewer columns than its fence, so no line is left with fewer. */
function writeCode({ fence, indent, quoted, opening, closing, lines }: Code, out: string[]): void {
  const margin = ' '.repeat(indent)
  // In the middle of a paragraph a list's marker may begin no list, and four columns are no code.
  if ((indent > 3 || /^\s*[^\s`~]/.test(opening)) && !isBlank(out.at(-1))) out.push('')
  out.push(opening)
  if (quoted) {
    for (const line of closing === null ? lines : [...lines, closing]) out.push(line)
    return
  }
  for (const line of lines)
    out.push(isBlank(line) || indentOf(line) >= indent ? line : margin + line.replace(/^[ \t]+/, ''))
  out.push(margin + fence)
}

function writeText(lines: string[], out: string[]): void {
  for (let start = 0; start < lines.length; ) {
    let end = start
    while (end < lines.length && !isBlank(lines[end])) end++
    const paragraph = lines.slice(start, end)
    const spans = paragraph.map(codeSpans)
    // With a backtick left over in one line, code may go on in the next: then all of it counts as text.
    const closed = spans.every((found) => found !== undefined)
    paragraph.forEach((line, index) => {
      writeLine(escapeTags(line, closed ? (spans[index] ?? []) : []), out)
    })
    if (end < lines.length) out.push('')
    start = end + 1
  }
}

const isBlank = (line: string | undefined) => line === undefined || /^[ \t]*$/.test(line)

/** What a quotation or a list puts before a line's own text. */
const PLACE = /^(?: {0,3}>[ \t]?){0,50}/
const ITEMS = /^(?: {0,3}(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))[ \t]?){0,50}/

/**
 * Lines of = or - below others make these a heading; what begins with # is one, in a quotation or a list too.
 */
function writeLine(line: string, out: string[]): void {
  const [place = ''] = PLACE.exec(line) ?? []
  const own = line.slice(place.length)
  const above = out.at(-1)
  const below = !isBlank(above?.replace(PLACE, ''))
  if (below && /^ {0,3}-+[ \t]*$/.test(own)) out.push(place.trimEnd())
  const text = below && /^ {0,3}=+[ \t]*$/.test(own) ? place + own.replace('=', '\\=') : line
  const [before = ''] = ITEMS.exec(text) ?? []
  out.push(
    before +
      text
        .slice(before.length)
        .replace(/^( {0,3})(#{1,6})(?=[ \t]|$)/, (_all, margin: string, marks: string) =>
          margin.concat('#'.repeat(Math.min(6, marks.length + 2))),
        ),
  )
}

type Span = [start: number, end: number]

/** Where a line is inline code, or undefined when one of its backticks finds no partner. */
function codeSpans(line: string): Span[] | undefined {
  const runs = [...line.matchAll(/`+/g)].map(({ index, 0: { length } }) => ({
    start: index,
    end: index + length,
    // A backslash takes the first backtick of a run that would open, none of one that closes.
    opens: isEscaped(line, index) ? length - 1 : length,
    partner: undefined as number | undefined,
  }))
  const nearest = new Map<number, number>()
  for (const [i, run] of [...runs.entries()].reverse()) {
    run.partner = nearest.get(run.opens)
    nearest.set(run.end - run.start, i)
  }
  const spans: Span[] = []
  for (let i = 0; i < runs.length; i++) {
    const { end, opens, partner } = runs[i] as (typeof runs)[number]
    if (opens === 0) continue
    const last = partner === undefined ? undefined : runs[partner]
    if (partner === undefined || last === undefined) return undefined
    spans.push([end - opens, last.end])
    i = partner
  }
  return spans
}

function isEscaped(line: string, index: number): boolean {
  let slashes = 0
  while (line[index - slashes - 1] === '\\') slashes++
  return slashes % 2 === 1
}

const TAG = /(?<!\\)(\\*)<(?=[a-z/!?])(?!(?:https?|mailto):[^\s<>]*>)/gi

/** Shows what would be HTML, apart from web and mail addresses in angle brackets, outside the given spans. */
function escapeTags(line: string, spans: Span[]): string {
  const show = (text: string) =>
    text.replace(TAG, (tag, slashes: string) => (slashes.length % 2 === 1 ? tag : `${slashes}\\<`))
  let shown = ''
  let from = 0
  for (const [start, end] of spans) {
    shown += show(line.slice(from, start)) + line.slice(start, end)
    from = end
  }
  return shown + show(line.slice(from))
}
