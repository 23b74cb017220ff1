import { type DatabaseOptions, diagnose, withDatabase } from '../database/database.ts'
import { causeError, causeWithoutKey, type Diagnosis } from '../database/diagnosis.ts'
import { saltOfFile } from '../database/held-files.ts'
import { connect } from '../engine/connect.ts'
import { AppError, type OutcomeCode } from '../errors.ts'
import { examineFile, readSamples } from '../files/file-facts.ts'
import { Key, withSalt } from '../keys/key.ts'
import { birthOf, readApplied } from './ledger.ts'
import { countRows, totalRows } from './row-counts.ts'

/** The existing file at the path of a new database. */
export interface Standing {
  /** The path with links resolved. */
  path: string
  /** The device and inode, as `FileFacts.id`. */
  id: string
  /** Bytes. */
  bytes: number
  /** Rows of all tables together; null for a file that cannot be read. */
  rows: number | null
  /** The time of the database's creation; undefined for a file that cannot be read. */
  born?: string | null
  /** The first 16 bytes, hex; empty where they need not be those of this database. */
  salt: string
  /** The reason why it cannot be read, or not in full. */
  unread?: AppError | undefined
  /** True when it may be a healthy database that only another key opens. */
  mayBeHealthy: boolean
}

/** A key that opens a backup, as SQLCipher's literal, and the salt of that file. */
export interface KeyOfBackup {
  literal: string
  salt: Buffer
}

/**
 * Examines the file to be replaced. One that does not open is damaged when a page of it is authentic under a
 * key of `keys` or under that of the backup; otherwise nobody can distinguish it from a healthy one that
 * another key opens. Throws for anything but a file, for plaintext, and for a file in use.
 */
export async function examineStanding(
  path: string,
  options: DatabaseOptions,
  backup: KeyOfBackup,
): Promise<Standing> {
  const { id, size, kind } = await examineFile(path)
  const facts = { path, id, bytes: size }
  // A file whose -wal has lost commits is readable, and yet has to move as it is, with its -wal.
  let unread: AppError | undefined
  const onLostCommits = (cause: Diagnosis) => {
    unread = causeError(cause)
  }
  try {
    return await withDatabase({ ...options, path, access: 'read', onLostCommits }, async (db) => ({
      ...facts,
      unread,
      salt: db.facts.samples.start.subarray(0, 16).toString('hex'),
      born: birthOf(await db.read(readApplied)),
      rows: totalRows(await db.read(countRows)),
      mayBeHealthy: false,
    }))
  } catch (error) {
    if (!(error instanceof AppError) || kind !== 'file' || !UNREAD.has(error.code)) throw error
    const found = await findCause(path, options, backup)
    // Damage inside pages that are all authentic.
    const salt = found.hasOwnSalt ? ((await saltOfFile(path)) ?? '') : ''
    if (found.cause === 'ok')
      return { ...facts, salt, rows: null, unread: error, mayBeHealthy: error.code !== 'CORRUPT' }
    return {
      ...facts,
      salt,
      rows: null,
      unread: causeError(found),
      mayBeHealthy: !BROKEN.has(found.cause),
    }
  }
}

const UNREAD = new Set<OutcomeCode>(['WRONG_KEY', 'KEY_SOURCE', 'CORRUPT', 'NO_DATABASE'])
const BROKEN = new Set<Diagnosis['cause']>(['damaged', 'empty', 'not_a_database'])

async function findCause(
  path: string,
  { keys }: DatabaseOptions,
  { literal, salt }: KeyOfBackup,
): Promise<Diagnosis & { hasOwnSalt?: boolean }> {
  // A keychain has no key for a file whose salt is damaged.
  const found = await diagnose(path, (own) => keys(own).catch(() => []))
  // Damage that only a key shows is found by pages that are authentic under the salt of the file.
  const facts = await examineFile(path)
  const isOvert = await causeWithoutKey({ ...facts, samples: await readSamples(facts) }, connect)
  if (!isOvert && (found.cause === 'ok' || found.cause === 'damaged')) return { ...found, hasOwnSalt: true }
  if (found.cause !== 'wrong_key') return found
  // When the salt itself is damaged, no key opens the file unless combined with its original salt.
  const salted = await diagnose(path, async () => [new Key(withSalt(literal, salt))])
  if (salted.cause !== 'ok' && salted.cause !== 'damaged') return found
  return { ...salted, cause: 'damaged', detail: `${path} is damaged: its first bytes are not its salt` }
}
