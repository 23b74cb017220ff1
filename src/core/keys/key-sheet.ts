import { createHash } from 'node:crypto'
import { AppError } from '../errors.ts'
import { Key } from './key.ts'

/** The text printed beside the key on a paper sheet. */
export interface SheetFacts {
  /** The path of the database. */
  database: string
  fingerprint: string
  /** RFC 3339. */
  printed: string
  /** The command that restores the key from the sheet. */
  restore: string
}

const TITLE = 'libreollama-db key sheet, format 1'
const LINES = 8
const BYTES = 4

/**
 * Formats a raw key for printing on paper: 8 lines of 8 hex digits, each with 4 check digits that reveal a
 * typing mistake. Hex digits, because no two of them look alike.
 */
export function writeKeySheet(raw: Buffer, { database, fingerprint, printed, restore }: SheetFacts): string {
  const lines = Array.from({ length: LINES }, (_, index) => {
    const digits = raw.subarray(index * BYTES, (index + 1) * BYTES).toString('hex')
    return `  ${index + 1}:  ${digits.slice(0, 4)} ${digits.slice(4)}   ${checkOf(index, digits)}`
  })
  return [
    TITLE,
    '',
    `database     ${database.replace(/\s+/g, ' ')}`,
    `printed      ${printed}`,
    `fingerprint  ${fingerprint}`,
    '',
    ...lines,
    '',
    'Whoever has this sheet and the database can read the chats. Keep them in different places.',
    'To get the key back, type the numbered lines into a file and run:',
    `  ${restore}`,
    '',
  ].join('\n')
}

/** Reads the key from a sheet that was typed in. Throws INVALID, naming every line with a mistake. */
export function readKeySheet(text: string): Key {
  const found = new Map<number, string>()
  const wrong = new Set<number>()
  for (const line of text.split('\n')) {
    const [, number, rest = ''] = /^\s*([1-8il])\s*[:.)]?\s+(.+)$/i.exec(line) ?? []
    if (number === undefined) continue
    const index = Number(asHex(number)) - 1
    const digits = asHex(rest)
    const isRight = digits.length === 12 && checkOf(index, digits.slice(0, 8)) === digits.slice(8)
    if (isRight) found.set(index, digits.slice(0, 8))
    else wrong.add(index)
  }
  const missing = Array.from({ length: LINES }, (_, index) => index).filter((index) => !found.has(index))
  const bad = [...new Set([...wrong, ...missing])].sort()
  if (bad.length === 0)
    return new Key(
      `x'${[...found]
        .sort(([a], [b]) => a - b)
        .map(([, digits]) => digits)
        .join('')}'`,
    )
  const names = bad.map((index) => `${index + 1} (${wrong.has(index) ? 'mistyped' : 'missing'})`)
  throw new AppError('INVALID', `the key sheet cannot be read: line ${names.join(', line ')}`, {
    hint: 'compare these lines with the paper; each is a number, two groups of 4, and a check of 4, digits 0-9 and a-f',
  })
}

/** Replaces characters that people type for hex digits which look like them. */
function asHex(text: string): string {
  return text.toLowerCase().replace(/o/g, '0').replace(/[il|]/g, '1').replace(/[\s-]/g, '')
}

function checkOf(index: number, digits: string): string {
  return createHash('sha256')
    .update(`${TITLE} ${index + 1} ${digits}`)
    .digest('hex')
    .slice(0, 4)
}
