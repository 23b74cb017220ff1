import { attachment, measureDataUrl } from './attachments.ts'
import type { Part } from './conversation.ts'
import { parseJson } from './json.ts'
import { reasoningParts, textParts, toolCall, toolResult } from './parts.ts'
import { asArray, asName, asRecord } from './values.ts'

/** A `<details type="…">` block: its attributes and what stands in it, unescaped. */
interface Block {
  attributes: Map<string, string>
  body: string
  /** Where the text goes on. */
  end: number
}

const OPENING = '<details'
const CLOSING = '</details>'
const KNOWN_OPENING = /<details\s{1,8}type="(?:reasoning|tool_calls|code_interpreter)"/y

/**
 * The parts of a reply of Open WebUI, which writes reasoning, tool calls and run code into the text as `<details>`
 * blocks with escaped HTML. Other `<details>`, and those in fenced code, are text.
 */
export function splitDetails(content: string): Part[] {
  const parts: Part[] = []
  let start = 0
  let seen = 0
  let fences = 0
  for (let at = content.indexOf(OPENING); at !== -1; at = content.indexOf(OPENING, at)) {
    const begins = beginsBlock(content, start, at)
    if (begins) {
      fences += countFences(content.slice(seen, at))
      seen = at
    }
    at += OPENING.length
    if (!begins || fences % 2 === 1) continue
    const block = readBlock(content, seen)
    // A tag without an end: nothing can follow it.
    if (!block) break
    parts.push(...trimmed(content.slice(start, seen)), ...asParts(block))
    start = seen = at = block.end
    fences = 0
  }
  const rest = content.slice(start)
  // What surrounds the blocks is trimmed; a text without any stays as it is.
  return start > 0 ? [...parts, ...trimmed(rest)] : textParts(rest)
}

/** Whether a block of a known type opens there, on a line of its own or after another block. */
function beginsBlock(content: string, start: number, at: number): boolean {
  KNOWN_OPENING.lastIndex = at
  return /(?:^|\n)[ \t]{0,8}$/.test(content.slice(Math.max(start, at - 9), at)) && KNOWN_OPENING.test(content)
}

function countFences(text: string): number {
  return text.match(/^ {0,3}```/gm)?.length ?? 0
}

const trimmed = (text: string) => textParts(text.trim())

function readBlock(content: string, at: number): Block | null {
  const tag = readTag(content, at + OPENING.length)
  if (!tag) return null
  const close = findClosing(content, tag.end)
  const end = Math.min(close + CLOSING.length, content.length)
  return { ...tag, body: bodyOf(content.slice(tag.end, close)), end }
}

/** Where a block ends that begins before `from`, with others inside; one that was cut off reaches to the end. */
function findClosing(content: string, from: number): number {
  const first = content.indexOf(CLOSING, from)
  if (first === -1) return content.length
  let closing = first
  let opening = content.indexOf(OPENING, from)
  for (let depth = 1; ; ) {
    const nested = opening !== -1 && opening < closing
    depth += nested ? 1 : -1
    if (depth === 0) return closing
    if (nested) opening = content.indexOf(OPENING, opening + OPENING.length)
    else closing = content.indexOf(CLOSING, closing + CLOSING.length)
    // Not balanced: a `<details` inside was only mentioned.
    if (closing === -1) return first
  }
}

/** The attributes from `at` to the end of a tag, unescaped; null when it has no end. */
function readTag(content: string, at: number): { attributes: Map<string, string>; end: number } | null {
  const attributes = new Map<string, string>()
  let from = at
  for (;;) {
    const end = content.indexOf('>', from)
    const quote = content.indexOf('"', from)
    if (end === -1) return null
    if (quote === -1 || end < quote) return { attributes, end: end + 1 }
    const unquote = content.indexOf('"', quote + 1)
    if (unquote === -1) return null
    const name = content.slice(from, quote).trim().replace(/\s*=$/, '')
    if (!attributes.has(name)) attributes.set(name, unescapeHtml(content.slice(quote + 1, unquote)))
    from = unquote + 1
  }
}

function bodyOf(inside: string): string {
  const start = inside.indexOf('<summary>')
  const end = inside.indexOf('</summary>')
  const hasSummary = start !== -1 && end > start && inside.slice(0, start).trim() === ''
  return unescapeHtml(hasSummary ? inside.slice(end + '</summary>'.length) : inside).trim()
}

function asParts({ attributes, body }: Block): Part[] {
  const given = (name: string) => attributes.get(name)
  switch (given('type')) {
    case 'reasoning':
      return reasoningParts(withoutQuoteMarks(body))
    case 'tool_calls': {
      const name = given('name')
      const call = toolCall(name, given('arguments') ?? given('content'))
      const output = given('result') ?? given('results') ?? (body || undefined)
      return [call, ...resultOf(name, output), ...filesOf(given('files'))]
    }
    default: {
      const name = 'code_interpreter'
      const call = toolCall(name, body === '' ? null : readCode(body))
      return [call, ...resultOf(name, given('output') ?? given('result'))]
    }
  }
}

function resultOf(name: string | undefined, output: string | undefined): Part[] {
  return output === undefined ? [] : [toolResult(name, output)]
}

function filesOf(list: string | undefined): Part[] {
  return asArray(parseJson(list)).flatMap((file) => {
    const url = asName(file) ?? asName(asRecord(file)?.url)
    if (!url) return []
    return attachment({ name: asName(asRecord(file)?.name), ...(measureDataUrl(url) ?? { name: url }) })
  })
}

/** Reasoning is written as a quotation. */
function withoutQuoteMarks(body: string): string {
  const lines = body.split('\n')
  const isQuoted = lines.every((line) => line.startsWith('>') || line.trim() === '')
  return isQuoted ? lines.map((line) => line.replace(/^> ?/, '')).join('\n') : body
}

function readCode(body: string): { language: string | null; code: string } {
  const [, language = '', code = body] = /^```([^\n`]*)\n([\s\S]*?)\n?```$/.exec(body) ?? []
  return { language: asName(language), code }
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

/** A text without HTML's escapes; what is none stays. */
function unescapeHtml(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-z]{2,4}));/g,
    (written, decimal, hex, name) => {
      if (name) return NAMED[name] ?? written
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : written
    },
  )
}
