/** A segment of a message's text: unchanged text, or a fenced code block. */
export type Segment =
  | { kind: 'text'; lines: string[] }
  | {
      kind: 'code'
      /** The language, as the fence names it; usually empty or one word. */
      info: string
      /** The fence: its backticks or tildes. */
      fence: string
      /** The columns before them, including a list marker. */
      indent: number
      /** The number of `>` at the start of every line, for a block inside a quotation; 0 outside. */
      quoted: number
      /** The line that opens it, and the one that closes it; null when the text ends first. */
      opening: string
      closing: string | null
      lines: string[]
    }

/** A fenced block of code. */
export type Code = Extract<Segment, { kind: 'code' }>

const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/
const OPENING =
  /^((?: {0,3}>){1,50} {0,4}|(?:[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t]){0,200})(`{3,}(?=[^`]*$)|~{3,})(.*)$/

/** Characters. A longer text may have more lines than memory can hold. */
const LONGEST = 100_000_000

/**
 * Splits text into lines, at every character that any reader treats as a line end, and finds the fenced code
 * in it as Markdown defines it.
 */
export function splitFences(content: string): Segment[] {
  if (content.length > LONGEST) throw new RangeError('a text is too long to be taken apart')
  const segments: Segment[] = []
  let code: Code | undefined
  for (const line of content.split(LINE_END)) {
    if (code?.quoted && unquote(line, code.quoted) === line) code = undefined
    if (code) {
      if (!closes(line, code)) code.lines.push(line)
      else {
        code.closing = line
        code = undefined
      }
      continue
    }
    code = opened(line)
    const last = segments.at(-1)
    if (code) segments.push(code)
    else if (last?.kind === 'text') last.lines.push(line)
    else segments.push({ kind: 'text', lines: [line] })
  }
  return segments
}

/** Returns a line of code without the prefix that a list or a quotation puts before the fence. */
export function codeLine(line: string, { indent, quoted }: Code): string {
  return quoted ? unquote(line, quoted) : dedent(line, indent)
}

/** Returns the columns of white space at the beginning of a line; tabs reach to the next multiple of four. */
export function indentOf(line: string): number {
  return columnsOf(/^[ \t]*/.exec(line)?.[0] ?? '')
}

function opened(line: string): Code | undefined {
  const [, before = '', fence, info = ''] = OPENING.exec(line) ?? []
  if (fence === undefined) return undefined
  const [indent, quoted] = [columnsOf(before), before.split('>').length - 1]
  return { kind: 'code', info: info.trim(), fence, indent, quoted, opening: line, closing: null, lines: [] }
}

function closes(line: string, { fence, indent, quoted }: Code): boolean {
  const bare = (quoted ? unquote(line, quoted) : line).trim()
  if (bare.length < fence.length || bare !== bare.charAt(0).repeat(bare.length)) return false
  return bare.charAt(0) === fence.charAt(0) && (quoted > 0 || indentOf(line) < indent + 4)
}

const unquote = (line: string, depth: number) => line.replace(new RegExp(`^(?: {0,3}>){${depth}} ?`), '')

function columnsOf(text: string): number {
  let columns = 0
  for (const char of text) columns += char === '\t' ? 4 - (columns % 4) : 1
  return columns
}

function dedent(line: string, columns: number): string {
  const spaces = indentOf(line)
  return spaces === 0 ? line : `${' '.repeat(Math.max(0, spaces - columns))}${line.replace(/^[ \t]+/, '')}`
}
