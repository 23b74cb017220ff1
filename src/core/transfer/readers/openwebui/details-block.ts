/** A `<details type="…">` block: its attributes and its content, unescaped. */
export interface DetailsBlock {
  attributes: Map<string, string>
  body: string
  /** The position at which the text continues. */
  end: number
}

/** The start of a block. */
export const OPENING = '<details'
const CLOSING = '</details>'

/** Reads the block that begins at `at`; null when its tag has no end. */
export function readBlock(content: string, at: number): DetailsBlock | null {
  const tag = readTag(content, at + OPENING.length)
  if (!tag) return null
  const close = findClosing(content, tag.end)
  const end = Math.min(close + CLOSING.length, content.length)
  return { ...tag, body: bodyOf(content.slice(tag.end, close)), end }
}

/**
 * Finds the end of a block that begins before `from`, with nested blocks; a truncated block reaches to the
 * end.
 */
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

/** Reads the attributes from `at` to the end of a tag, unescaped; null when it has no end. */
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

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

/** Replaces HTML's escapes in a text; anything else stays. */
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
