import type { Connect } from './connection.ts'
import { AppError, type OutcomeCode } from './errors.ts'
import type { FileFacts } from './file-facts.ts'
import type { CipherFormat, Key } from './key.ts'
import { describePlaintext } from './plaintext.ts'

/** Why a file opens or does not. */
export interface Diagnosis {
  cause:
    | 'ok'
    | 'plaintext'
    | 'empty'
    | 'wrong_key'
    | 'old_cipher'
    | 'damaged'
    | 'not_a_database'
    | 'missing'
    | 'unreadable'
  /** The cause in a sentence, naming the file. */
  detail: string
  /** The damaged pages, counted from 1. */
  pages: number[]
  hint: string
  /** The code of the error, where it is not that of the cause. */
  outcome?: OutcomeCode
}

const EXITS: Record<Exclude<Diagnosis['cause'], 'ok'>, OutcomeCode> = {
  plaintext: 'NOT_ENCRYPTED',
  empty: 'NO_DATABASE',
  wrong_key: 'WRONG_KEY',
  old_cipher: 'NOT_ENCRYPTED',
  damaged: 'CORRUPT',
  not_a_database: 'WRONG_KEY',
  missing: 'NO_DATABASE',
  unreadable: 'IO',
}

const PLAINTEXT_HEADER = Buffer.from('SQLite format 3\0')
const PAGE_SIZE = 4096
/** No SQLite file is smaller than one page of the smallest size. */
const SMALLEST_DATABASE = 512

/** The diagnosis as the error that a command ends with. */
export function causeError(diagnosis: Diagnosis): AppError {
  const code = diagnosis.outcome ?? (diagnosis.cause === 'ok' ? 'FAILURE' : EXITS[diagnosis.cause])
  return new AppError(code, diagnosis.detail, { hint: diagnosis.hint })
}

/** The cause where the file's metadata and first bytes tell it, or undefined: then only a key can tell more. */
export async function causeWithoutKey(facts: FileFacts, connect: Connect): Promise<Diagnosis | undefined> {
  const { path, size } = facts
  const say = (cause: Diagnosis['cause'], detail: string, hint: string, pages: number[] = []) => ({
    cause,
    detail,
    pages,
    hint,
  })
  switch (facts.kind) {
    case 'missing':
      return say(
        'missing',
        `there is no database at ${path}`,
        'libreollama-db init makes one; --db <path> names another',
      )
    case 'folder':
    case 'special': {
      const kind = facts.kind === 'folder' ? 'a folder' : 'not a regular file'
      const hint = 'name a database file with --db <path>'
      return {
        ...say('not_a_database', `${path} is ${kind}, no database file`, hint),
        outcome: 'NO_DATABASE',
      }
    }
    case 'unreadable':
      return say(
        'unreadable',
        `${path} cannot be read: permission denied`,
        `ls -l ${path} shows who may read it`,
      )
  }
  if (size === 0) {
    const { unfinishedPlace } = await import('./unfinished.ts') // only for what is no database
    const place = await unfinishedPlace(facts.realPath)
    if (place?.running) {
      const detail = `${path} is being put in its place by another process`
      return { ...say('empty', detail, 'run the command again in a moment'), outcome: 'LOCKED' }
    }
    if (place) {
      const detail = `${path} is an empty file that an interrupted ${place.operation} left`
      return say('empty', detail, `run ${place.operation} again: it removes the file first`)
    }
    return say(
      'empty',
      `${path} is an empty file`,
      'libreollama-db restore latest puts a backup in its place',
    )
  }
  if (facts.samples.start.subarray(0, 16).equals(PLAINTEXT_HEADER)) return plaintextCause(facts, connect)
  if (size < SMALLEST_DATABASE) {
    return say(
      'not_a_database',
      `${path} has ${size} bytes, too few for a database`,
      'check the path given with --db',
    )
  }
  if (!looksRandom(facts.samples.start)) {
    return looksRandom(facts.samples.middle)
      ? say(
          'damaged',
          `page 1 of ${path} is overwritten: its bytes are not encrypted`,
          'libreollama-db restore latest puts a backup in its place and keeps the damaged file',
          [1],
        )
      : say(
          'not_a_database',
          `${path} is not a database, or the key is wrong: its bytes do not look encrypted`,
          'check the path given with --db',
        )
  }
  return undefined
}

/**
 * The cause when `keys` were tried and the file did not open, or opened and failed later. Reads only. A wrong key
 * fails on every page, damage on some: that tells them apart.
 */
export async function causeWithKeys(facts: FileFacts, keys: Key[], connect: Connect): Promise<Diagnosis> {
  const salt = facts.samples.start.subarray(0, 16)
  for (const key of keys) {
    const damage = await findDamage(facts, await key.literal(salt), connect)
    if (damage) return damage
  }
  for (const format of [3, 2, 1] as const) {
    for (const key of keys) {
      if (await opens(facts, { key: await key.literal(salt, format), format }, connect)) {
        return {
          cause: 'old_cipher',
          detail: `${facts.path} is in SQLCipher ${format} format; the key opens it`,
          pages: [],
          hint: `libreollama-db upgrade --db ${facts.path} brings it into the current format`,
        }
      }
    }
  }
  return {
    cause: 'wrong_key',
    detail: `the key does not open ${facts.path} (or it is not a SQLCipher database)`,
    pages: [],
    hint: 'check which key is used: libreollama-db help key-sources',
  }
}

/** Damage that the right key shows; undefined when no page is authentic under this key. */
async function findDamage(
  facts: FileFacts,
  key: string,
  connect: Connect,
  again = false,
): Promise<Diagnosis | undefined> {
  const damaged = (detail: string, pages: number[]): Diagnosis => ({
    cause: 'damaged',
    detail,
    pages,
    hint: 'libreollama-db restore latest puts a backup in its place and keeps the damaged file',
  })
  const waiting = facts.hasJournal ? '; half a transaction waits in its journal to be rolled back' : ''
  const whole = Math.floor(facts.size / PAGE_SIZE)
  const { pages, unread } = await damagedPages(facts, key, connect)
  if (unread.length > 0) return unreadable(facts.path, unread)
  if (pages.length === 0) {
    return (await opensAfterAll(facts, key, connect))
      ? {
          cause: 'ok',
          detail: `${facts.path} opens and every page is authentic${waiting}`,
          pages: [],
          hint: '',
        }
      : damaged(`${facts.path} is cut short after page ${whole}, or its structure is damaged`, [whole + 1])
  }
  if (facts.size % PAGE_SIZE !== 0 && pages.length === 1 && pages[0] === whole + 1) {
    return damaged(`${facts.path} is cut in the middle of page ${whole + 1}`, pages)
  }
  if (pages.length >= whole) {
    // A salt that the disk did not give makes a wrong key of the right one.
    return !again && (await opensAfterAll(facts, key, connect))
      ? findDamage(facts, key, connect, true)
      : undefined
  }
  return damaged(
    `${facts.path} is damaged: ${namePages(pages)} of ${whole} failed the authenticity check`,
    pages,
  )
}

/** The pages that fail SQLCipher's own check under this key, and those that the disk did not give; counted from 1. */
async function damagedPages(facts: FileFacts, key: string, connect: Connect) {
  const connection = await connectUntouched(facts, { key }, connect)
  try {
    const rows = await connection.all<{ cipher_integrity_check: string }>('PRAGMA cipher_integrity_check')
    const lines = rows.map((row) => row.cipher_integrity_check)
    return { pages: pagesNamed(lines), unread: pagesUnread(lines) }
  } finally {
    await connection.close()
  }
}

/** The pages of such a report that could not be read at all: what is wrong with them is the disk. */
export function pagesUnread(report: string[]): number[] {
  return pagesNamed(report.filter((line) => line.startsWith('error reading')))
}

const READ_ERROR = 'copy what can be read to another disk before anything else'

/** The disk reports an error for some pages. */
export function unreadable(path: string, pages: number[]): Diagnosis {
  const detail = `${path}: the disk reported an error while reading ${namePages(pages)}`
  return { cause: 'unreadable', detail, pages, hint: READ_ERROR, outcome: 'IO' }
}

/** What is said of a file of which every part can be read now, though reading it failed a moment ago. */
export function readErrorOnce(path: string, cause: unknown): AppError {
  return new AppError('IO', `${path}: reading it failed once; all of it can be read now`, {
    hint: `run the command again; when that happens more than once, the disk is failing: ${READ_ERROR}`,
    cause,
  })
}

/** The page numbers in the report of `PRAGMA cipher_integrity_check`. */
export function pagesNamed(report: string[]): number[] {
  return report.flatMap((line) => /page (\d+)/.exec(line)?.slice(1).map(Number) ?? [])
}

/** `page 7`, `pages 7, 9`, or the first of many. */
export function namePages(pages: number[]): string {
  const shown = pages.slice(0, 10).join(', ')
  return `page${pages.length > 1 ? 's' : ''} ${shown}${pages.length > 10 ? ` and ${pages.length - 10} more` : ''}`
}

async function opens(facts: FileFacts, options: { key?: string; format?: CipherFormat }, connect: Connect) {
  const connection = await connectUntouched(facts, options, connect)
  try {
    await connection.get('SELECT count(*) FROM sqlite_schema')
    return true
  } catch {
    return false
  } finally {
    await connection.close()
  }
}

/** A disk that fails now and then looks like damage once; damage stays. */
async function opensAfterAll(facts: FileFacts, key: string, connect: Connect): Promise<boolean> {
  for (let tries = 0; tries < 3; tries++) if (await opens(facts, { key }, connect)) return true
  return false
}

/** Reads a file beside whose name nothing may appear: without a -wal there is nothing in it that the file lacks. */
function connectUntouched(
  facts: FileFacts,
  options: { key?: string; format?: CipherFormat },
  connect: Connect,
) {
  return connect(facts.realPath, { ...options, access: 'read', immutable: facts.walBytes === undefined })
}

async function plaintextCause(facts: FileFacts, connect: Connect): Promise<Diagnosis> {
  return {
    cause: 'plaintext',
    detail: `${facts.path} is ${await describePlaintext(facts, connect)}, not encrypted`,
    pages: [],
    hint: `libreollama-db encrypt --from ${facts.path} --db <new path> makes an encrypted copy; nothing was changed`,
  }
}

/** Encrypted bytes are evenly spread: 4,096 of them hold over 7.9 bits each, text and plain tables far less. */
function looksRandom(sample: Buffer): boolean {
  const counts = new Map<number, number>()
  for (const byte of sample) counts.set(byte, (counts.get(byte) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / sample.length) * Math.log2(count / sample.length)
  return bits > Math.min(7, Math.log2(sample.length) - 1.5)
}
