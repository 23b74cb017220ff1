import { type Code, indentOf, splitFences } from './fences.ts'

/**
 * Converts a message's text to Markdown that stays inside its place in a document: headings are two levels
 * lower, even in quotations and at the start of list items, so that none is as high as the document's own;
 * fences left open are closed; HTML outside code is shown, not interpreted. Code is unchanged. Every kind of
 * line end becomes a newline, NUL becomes U+FFFD.
 */
export function markdownText(content: string): string {
  const lines: string[] = []
  for (const segment of splitFences(content.replaceAll('\0', '\ufffd'))) {
    if (segment.kind === 'code') writeCode(segment, lines)
    else writeText(segment.lines, lines)
  }
  return lines.join('\n')
}

/** Escapes words for a heading or a list, so that Markdown interprets nothing in them. */
export function markdownWords(text: string): string {
  return text
    .replaceAll('\0', '\ufffd')
    .replace(/[\\`*[\]]|~(?=~)|<(?=[a-z/!?])|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/giu, '\\$&')
    .replace(/(?<![^ ])#+$/, '\\$&')
}

/** Formats text as inline code, whatever backticks it has. */
export function markdownCode(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ')
  const longest = (line.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0)
  const fence = '`'.repeat(longest + 1)
  return /^[` ]|[` ]$/.test(line) ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`
}

/**
 * Writes a code block. A block in a list ends at a line with fewer columns than its fence, so no line is left
 * with fewer.
 */
function writeCode({ fence, indent, quoted, opening, closing, lines }: Code, out: string[]): void {
  const margin = ' '.repeat(indent)
  // In the middle of a paragraph, a list marker may not begin a list, and four columns are not code.
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
    // With an unmatched backtick in one line, code may continue in the next: then all of it counts as text.
    const closed = spans.every((found) => found !== undefined)
    paragraph.forEach((line, index) => {
      writeLine(escapeTags(line, closed ? (spans[index] ?? []) : []), out)
    })
    if (end < lines.length) out.push('')
    start = end + 1
  }
}

const isBlank = (line: string | undefined) => line === undefined || /^[ \t]*$/.test(line)

/** The prefix that a quotation or a list puts before a line's own text. */
const PLACE = /^(?: {0,3}>[ \t]?){0,50}/
const ITEMS = /^(?: {0,3}(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))[ \t]?){0,50}/

/**
 * Writes a line of text. Lines of = or - turn the lines above into a heading; a line that begins with # is
 * one, even in a quotation or a list.
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

/** Returns the spans of inline code in a line, or undefined when one of its backticks has no match. */
function codeSpans(line: string): Span[] | undefined {
  const runs = [...line.matchAll(/`+/g)].map(({ index, 0: { length } }) => ({
    start: index,
    end: index + length,
    // A backslash escapes the first backtick of a run that would open, but not of one that closes.
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

/** Escapes what would be HTML, except web and mail addresses in angle brackets, outside the given spans. */
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
