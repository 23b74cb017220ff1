import type { ChatSession } from '../../../records/entities/session.ts'

/**
 * Bytes of UTF-8 in total: below the limit of the tightest file systems in use (143, with encrypted names).
 */
const LONGEST = 120

const EXTENSION = '.md'

/** Names reserved for devices on Windows, whatever extension follows. */
const RESERVED = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[\d¹²³])\s*(?:\.|$)/i

/**
 * Creates a file name for a chat from its title that every file system accepts and that is not in `taken`;
 * adds it there in the form that `fileNameKey` returns.
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
 * Returns a key that is equal for two names which some file system treats as the same: it ignores case and
 * composition.
 */
export function fileNameKey(name: string): string {
  const folded = name.replace(/\u200c|\u200d|\ufe0e|\ufe0f/g, '').normalize('NFKD')
  return folded.toUpperCase().toLowerCase().normalize('NFKD')
}

/** Removes everything that is invisible, changes the reading direction or has a meaning in some path. */
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

/** Cuts a text to as many whole characters, as people see them, as fit. */
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

/** Finds the first free number in few steps, however many are in use: they are assigned in order. */
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
