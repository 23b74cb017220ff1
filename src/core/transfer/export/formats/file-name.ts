import type { ChatSession } from '../../../records/entities/session.ts'

/**
 * Bytes of UTF-8, all in all: below what the tightest file systems in use take (143, where names are
 * encrypted).
 */
const LONGEST = 120

const EXTENSION = '.md'

/** Names that belong to devices on Windows, whatever extension follows. */
const RESERVED = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[\d¹²³])\s*(?:\.|$)/i

/**
 * A name for a chat's file, made of its title, that every file system takes and that none in `taken` has; it
 * is added there in the form that `fileNameKey` gives.
 */
export function markdownFileName(session: Pick<ChatSession, 'title'>, taken: Set<string>): string {
  const words = safeWords(session.title)
  const name = (number: number) => {
    const end = number === 1 ? EXTENSION : ` (${number})${EXTENSION}`
    return (cut(words, LONGEST - Buffer.byteLength(end)) || 'chat') + end
  }
  const free = name(firstFree((number) => taken.has(fileNameKey(name(number)))))
  taken.add(fileNameKey(free))
  return free
}

/**
 * What two names share that some file system takes for the same: it looks at neither case nor composition.
 */
export function fileNameKey(name: string): string {
  const folded = name.replace(/\u200c|\u200d|\ufe0e|\ufe0f/g, '').normalize('NFKD')
  return folded.toUpperCase().toLowerCase().normalize('NFKD')
}

/** Everything that is invisible, steers the reading direction or has a meaning in some path goes. */
function safeWords(title: string): string {
  const clean = title
    .slice(0, 1000)
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\s/\\:*?"<>|]+/gu, ' ')
    .replace(/(?![\u200c\u200d])\p{C}/gu, '')
    .replace(/ +/g, ' ')
    .replace(/^[\s.~-]+/u, '')
  const words = /[\p{L}\p{N}\p{S}\p{P}]/u.test(clean) ? cut(clean, LONGEST - EXTENSION.length) : ''
  if (words === '') return 'chat'
  return RESERVED.test(words) ? `chat ${words}` : words
}

/** As many whole characters, as people see them, as fit. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text.replace(/[\s.]+$/u, '')
  let kept = ''
  let left = bytes
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    left -= Buffer.byteLength(segment)
    if (left < 0) break
    kept += segment
  }
  return kept.replace(/[\s.]+$/u, '')
}

/** The first number that is not taken, found in few steps however many are: they are taken in their order. */
function firstFree(isTaken: (number: number) => boolean): number {
  let high = 1
  while (isTaken(high)) high *= 2
  let low = Math.ceil(high / 2)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (isTaken(middle)) low = middle
    else high = middle
  }
  return high
}
