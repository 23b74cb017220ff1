import { isDeepStrictEqual } from 'node:util'
import type { Connect, Connection, ConnectOptions } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import type { FileFacts } from '../files/file-facts.ts'
import { type CipherSettings, describeSettings, FORMATS } from '../keys/cipher-settings.ts'
import type { FoundSettings } from '../keys/find-cipher-settings.ts'
import type { Key } from '../keys/key.ts'
import type { Diagnosis } from './diagnosis.ts'

const PAGE_SIZE = 4096

/**
 * Finds the cause when `keys` were tried and the file did not open, or opened and failed later. Only reads. A
 * wrong key fails on every page, damage on some: that is the difference between the two. `known` holds the
 * known encryption settings.
 */
export async function causeWithKeys(
  facts: FileFacts,
  keys: Key[],
  connect: Connect,
  known?: Partial<CipherSettings>,
): Promise<Diagnosis> {
  const { start } = facts.samples
  for (const key of keys) {
    const damage = await findDamage(facts, await key.literal(start.subarray(0, 16)), connect)
    if (damage) return damage
  }
  const { findSpelling } = await import('../keys/key-spelling.ts')
  const spelling = await findSpelling(keys, facts)
  if (spelling) {
    const { words } = spelling
    const detail = `the key does not open ${facts.path} as it was given; it does ${words}`
    return { cause: 'wrong_key', detail, pages: [], hint: `use it ${words}`, spelling }
  }
  const { findCipherSettings } = await import('../keys/find-cipher-settings.ts')
  const found = await findCipherSettings(start, keys, known)
  if (found) return causeOfOther(facts, found, connect)
  return {
    cause: 'wrong_key',
    detail: `the key does not open ${facts.path} (or it is not a SQLCipher database)`,
    pages: [],
    hint: { step: 'explain_keys' },
  }
}

/** Diagnoses a file that the key opens, but whose encryption settings are not the defaults of SQLCipher 4. */
async function causeOfOther(facts: FileFacts, found: FoundSettings, connect: Connect): Promise<Diagnosis> {
  const { literal, settings, firstPage, key } = found
  const { path } = facts
  const format = ([3, 2, 1] as const).find((version) =>
    isDeepStrictEqual(plain(settings), plain(FORMATS[version])),
  )
  const how = format
    ? `in SQLCipher ${format} format`
    : `encrypted with other settings than SQLCipher 4 has by default: ${describeSettings(settings, key.isRaw)}`
  const damaged = (what: string, pages: number[]): Diagnosis => ({
    cause: 'damaged',
    detail: `${path}, ${how}, is damaged: ${what}`,
    pages,
    hint: 'look for another copy of the file; what is damaged is not upgraded',
  })
  if (!firstPage) return damaged('page 1 failed the authenticity check', [1])
  const opening = { key: literal, cipher: settings }
  const { pages, unread } =
    settings.hmacAlgorithm === null ? NOTHING_FOUND : await damagedPages(facts, opening, connect)
  if (unread.length > 0) return unreadable(path, unread)
  if (pages.length > 0) return damaged(`${namePages(pages)} failed the authenticity check`, pages)
  if (!(await opens(facts, opening, connect))) return damaged('its structure cannot be read', [])
  const { plaintextHeader, salt } = settings
  return {
    cause: format ? 'old_cipher' : 'other_cipher',
    detail: `${path} is ${how}; the key opens it`,
    pages: [],
    hint: { step: 'upgrade', path, ...(plaintextHeader ? { plaintextHeader, salt } : {}) },
  }
}

const NOTHING_FOUND = { pages: [], unread: [] }

const plain = ({ salt: _salt, ...settings }: CipherSettings) => settings

/** Finds damage with the right key; undefined when no page is authentic under this key. */
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
    hint: { step: 'restore_latest', path: facts.path },
  })
  const waiting = facts.hasJournal ? '; half a transaction waits in its journal to be rolled back' : ''
  const whole = Math.floor(facts.size / PAGE_SIZE)
  const { pages, unread } = await damagedPages(facts, { key }, connect)
  if (unread.length > 0) return unreadable(facts.path, unread)
  if (pages.length === 0) {
    return (await opensAfterAll(facts, key, connect))
      ? {
          cause: 'ok',
          detail: `${facts.path} opens and every page is authentic${waiting}`,
          pages: [],
          hint: '',
        }
      : whole === 0
        ? undefined
        : damaged(`${facts.path} is cut short after page ${whole}, or its structure is damaged`, [whole + 1])
  }
  if (whole > 0 && facts.size % PAGE_SIZE !== 0 && pages.length === 1 && pages[0] === whole + 1) {
    return damaged(`${facts.path} is cut in the middle of page ${whole + 1}`, pages)
  }
  if (pages.length >= whole) {
    // With a salt that the disk failed to read, the right key looks wrong.
    return !again && (await opensAfterAll(facts, key, connect))
      ? findDamage(facts, key, connect, true)
      : undefined
  }
  return damaged(
    `${facts.path} is damaged: ${namePages(pages)} of ${whole} failed the authenticity check`,
    pages,
  )
}

async function damagedPages(facts: FileFacts, opening: FileOpening, connect: Connect) {
  const connection = await connectUntouched(facts, opening, connect)
  return checkPages(connection).finally(() => connection.close())
}

/**
 * Returns the pages that fail SQLCipher's own check under the key of the connection, and those among them
 * that the disk could not read; counted from 1.
 */
export async function checkPages(connection: Connection): Promise<{ pages: number[]; unread: number[] }> {
  const rows = await connection.all<{ cipher_integrity_check: string }>('PRAGMA cipher_integrity_check')
  const lines = rows.map((row) => row.cipher_integrity_check)
  return { pages: pagesNamed(lines), unread: pagesUnread(lines) }
}

/** Returns the pages of such a report that could not be read at all: their fault is the disk. */
export function pagesUnread(report: string[]): number[] {
  return pagesNamed(report.filter((line) => line.startsWith('error reading')))
}

const READ_ERROR = 'copy what can be read to another disk before anything else'

/** Diagnoses a disk that reports an error for some pages. */
export function unreadable(path: string, pages: number[]): Diagnosis {
  const detail = `${path}: the disk reported an error while reading ${namePages(pages)}`
  return { cause: 'unreadable', detail, pages, hint: READ_ERROR, outcome: 'IO' }
}

/** Creates the error for a file that can now be read in full, though reading it failed a moment ago. */
export function readErrorOnce(path: string, cause: unknown): AppError {
  return new AppError('IO', `${path}: reading it failed once; all of it can be read now`, {
    hint: `run the command again; when that happens more than once, the disk is failing: ${READ_ERROR}`,
    cause,
  })
}

/** Returns the page numbers in the report of `PRAGMA cipher_integrity_check`. */
export function pagesNamed(report: string[]): number[] {
  return report.flatMap((line) => /page (\d+)/.exec(line)?.slice(1).map(Number) ?? [])
}

/** Formats page numbers: `page 7`, `pages 7, 9`, or the first of many. */
export function namePages(pages: number[]): string {
  const shown = pages.slice(0, 10).join(', ')
  return `page${pages.length > 1 ? 's' : ''} ${shown}${pages.length > 10 ? ` and ${pages.length - 10} more` : ''}`
}

/** The options that open a file. */
type FileOpening = Pick<ConnectOptions, 'key' | 'cipher'>

async function opens(facts: FileFacts, options: FileOpening, connect: Connect) {
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

/**
 * Opens a file with several tries: a disk that fails now and then looks like damage once, but damage stays.
 */
async function opensAfterAll(facts: FileFacts, key: string, connect: Connect): Promise<boolean> {
  for (let tries = 0; tries < 3; tries++) if (await opens(facts, { key }, connect)) return true
  return false
}

/**
 * Reads a file without creating anything beside it: when there is no -wal, the file is complete without one.
 */
function connectUntouched(facts: FileFacts, options: FileOpening, connect: Connect) {
  return connect(facts.realPath, { ...options, access: 'read', immutable: facts.walBytes === undefined })
}
