import { uptime } from 'node:process'
import { connect, connectAt, LOCK_TIMEOUT } from '../engine/connect.ts'
import type { Connect } from '../engine/connection.ts'
import { bareError, isBare, isEngineError, lockedError } from '../engine/engine-errors.ts'
import { AppError, abortError } from '../errors.ts'
import { type FileFacts, identify, needsPrivateCopy } from '../files/file-facts.ts'
import type { LostCommits } from '../files/write-ahead-log.ts'
import type { Key } from '../keys/key.ts'
import { askKeys } from './ask-keys.ts'
import { causeError, causeWithoutKey, type Diagnosis } from './diagnosis.ts'
import { type HeldFile, hold, release } from './held-files.ts'
import type { Explain, Inquiry } from './inquiry.ts'
import { type Database, OpenDatabase, type Opening } from './open-database.ts'
import { isWithoutDamage, type ProofOptions, probeAtRest, prove, UNPROVEN } from './probe.ts'

export { type Database, inTransaction } from './open-database.ts'

/** Options that name a database, find its key, and limit its use. */
export interface DatabaseOptions extends ProofOptions {
  path: string
  /**
   * Called once, and only after the file itself was found worth opening: with its salt (its first 16 bytes),
   * or without one for a new file. Several keys are tried in order.
   */
  keys: (salt?: Buffer) => Promise<Key[]>
  /** Number of concurrent reader connections; default 2. */
  readers?: number
  /**
   * Called with commits that the -wal has lost, when the file is opened for reading. Without it, and for
   * writing, such a file does not open: what SQLite would then write removes the last trace of them.
   */
  onLostCommits?: (cause: Diagnosis) => void
  /** Aborting it interrupts the running statements and throws its reason. */
  signal?: AbortSignal
  /** Finds the cause of a failure of `work`, after the database is closed. */
  explain?: Explain
}

/**
 * Opens a database file; nothing else does. Examines the file, verifies the key with a read-only probe, opens
 * the database, runs `work`, and always closes it. Throws an AppError that names the cause when the file does
 * not open or turns out to be damaged.
 */
export async function withDatabase<T>(
  options: DatabaseOptions,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openDatabase(options)
  const stop = () => db.interrupt()
  options.signal?.addEventListener('abort', stop)
  let outcome: { result: T } | { error: unknown }
  try {
    outcome = { result: await work(db) }
  } catch (error) {
    outcome = { error }
  } finally {
    options.signal?.removeEventListener('abort', stop)
    await db.close()
  }
  // What was changed by then stays changed, and the result reports it.
  const isChanged = 'result' in outcome && options.access === 'write'
  if (options.signal?.aborted && !isChanged)
    throw abortError(options.signal, 'error' in outcome ? outcome.error : undefined)
  if (await db.wasChanged()) throw changedError(db.facts.path)
  if ('result' in outcome) return outcome.result
  throw await (options.explain || options.access === 'create'
    ? explained(outcome.error, options)
    : nameTheDamage(outcome.error, db.facts, options))
}

/**
 * Explains an error; when the search for its cause keeps failing as well, returns the error unchanged, or
 * reports that the disk fails.
 */
async function explained(error: unknown, options: DatabaseOptions): Promise<unknown> {
  const { path, explain } = options
  if (options.access === 'create' && error instanceof AppError && UNPROVEN.has(error.code))
    return newFileError(path, error)
  if (!explain) return error
  const again: DatabaseOptions = {
    ...options,
    access: 'read',
    recover: false,
    readers: 1,
    explain: undefined,
  }
  const inquiry: Inquiry = {
    path,
    form: options.form,
    diagnose: async () => {
      const found = await diagnose(path, options.keys, options.knownSettings)
      return isWithoutDamage(found, options) ? { ...found, cause: 'ok' } : found
    },
    read: (work) => withDatabase(again, (db) => db.read(work)),
  }
  let found = error
  for (let tries = 0; tries < 5; tries++) {
    try {
      return await explain(error, inquiry)
    } catch (failure) {
      if (failure instanceof AppError && failure.code === 'IO') found = failure
    }
  }
  return found
}

/** Creates the error for a file that was just created, and so has no other key and no damage. */
function newFileError(path: string, cause: unknown): AppError {
  return new AppError('IO', `${path}: the new file could not be read back (the disk reported an error)`, {
    hint: 'df -h shows whether the disk is full; nothing was changed',
    cause,
  })
}

/** Diagnoses why `path` does not open, or that it does; only reads, and leaves every byte unchanged. */
export async function diagnose(
  path: string,
  keys: DatabaseOptions['keys'],
  knownSettings?: DatabaseOptions['knownSettings'],
): Promise<Diagnosis> {
  const { facts, file } = await hold(path)
  try {
    const known = await causeWithoutKey(facts, connect, knownSettings)
    if (known) return known
    const { causeWithKeys } = await import('./diagnosis-with-keys.ts')
    const tried = await askKeys(keys, facts)
    const place = await placeToRead(facts, file)
    const found = await causeWithKeys(place.facts, tried, place.connect, knownSettings).finally(place.end)
    if (found.cause !== 'ok' || !facts.lostCommits) return found
    const { lostCommitsCause } = await import('./lost-commits.ts')
    return lostCommitsCause(facts, facts.lostCommits)
  } finally {
    release(file)
  }
}

/**
 * Returns true when one of the keys opens an encrypted file at rest; reads only the first page of the file.
 */
export async function opensWith(path: string, keys: DatabaseOptions['keys']): Promise<boolean> {
  const { facts, file } = await hold(path)
  try {
    if (facts.size === 0) return false // SQLite opens an empty file with any key, as a new database
    const salt = facts.samples.start.subarray(0, 16)
    for (const key of await askKeys(keys, facts)) {
      const literal = await key.literal(salt)
      // SQLCipher mistakes an unreadable page for one of another key, so a failed read is tried again.
      if ((await isReadable(facts.realPath, literal)) || (await isReadable(facts.realPath, literal)))
        return true
    }
    return false
  } finally {
    release(file)
  }
}

const isReadable = async (path: string, key: string) =>
  (await probeAtRest(path, { key }, connect)) === undefined

/**
 * Opens the file with this name. A process that replaces the file blocks all others until they have opened
 * the old one, if any: so that one is closed again, and the new one opened, within the time to wait for a
 * lock.
 */
async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  // `performance` would load a module that adds 2 ms to every start.
  const until = uptime() + (options.lockTimeout ?? LOCK_TIMEOUT)
  for (;;) {
    options.signal?.throwIfAborted()
    const { facts, file } = await hold(options.path)
    let db: OpenDatabase
    try {
      db = await (options.access === 'create' ? create : openExisting)(facts, file, options)
    } catch (error) {
      release(file)
      if (uptime() >= until || !(await isAnother(facts))) throw await explained(error, options)
      await lookAgain()
      continue
    }
    if (!(await isAnother(facts))) return db
    await db.close()
    if (uptime() >= until) throw lockedError(facts.path)
    await lookAgain()
  }
}

/** Resolves when it is time to check again whether another file has replaced this one. */
const lookAgain = () => new Promise((resolve) => setTimeout(resolve, 20))

/** Returns true when the name now leads to another file, or soon will. */
async function isAnother({ path, realPath, id, kind }: FileFacts): Promise<boolean> {
  const now = kind === 'missing' ? undefined : await identify(realPath)
  if (now !== undefined) return now !== id
  const { isBeingReplaced } = await import('../files/recovery.ts')
  return isBeingReplaced(path)
}

async function openExisting(
  facts: FileFacts,
  file: HeldFile,
  options: DatabaseOptions,
): Promise<OpenDatabase> {
  const known = await causeWithoutKey(facts, connect, options.knownSettings)
  const isPlaintext = known?.cause === 'plaintext'
  if (known && !(isPlaintext && options.form === 'plaintext')) throw causeError(known)
  if (!isPlaintext && options.form === 'plaintext') throw encryptedAlready(facts.path)
  const keys = isPlaintext ? [] : await askKeys(options.keys, facts)
  options.signal?.throwIfAborted()
  if (options.access === 'write' && !facts.writable) throw notWritable(facts.path)
  const place = await placeToRead(facts, file, isPlaintext ? { ...options, access: 'write' } : options)
  try {
    const proving = { ...options, copying: options.copying || place.end !== undefined }
    // The probe becomes the first reader.
    const { probe, access: reading, ...proof } = await prove(place.facts, keys, place.connect, proving)
    if (facts.lostCommits) {
      await tellLostCommits(facts, facts.lostCommits, options).catch(async (error) => {
        await probe.close()
        throw error
      })
    }
    const how = { ...options, ...proof, facts, file, connect: place.connect, reading, end: place.end }
    const db = new OpenDatabase(how, [probe])
    if (options.access === 'write') await db.openWriter()
    return db
  } catch (error) {
    await place.end?.()
    throw error
  }
}

/** Chooses where to read a file: in place, or in a private copy, which `end` removes. */
async function placeToRead(
  facts: FileFacts,
  file: HeldFile,
  { access, lockTimeout = LOCK_TIMEOUT }: Pick<ProofOptions, 'access' | 'lockTimeout'> = {},
): Promise<{ facts: FileFacts; connect: Connect; end?: () => Promise<void> }> {
  const needsCopy = access !== 'write' && (await needsPrivateCopy(facts))
  if (!needsCopy || !(file.users === 1 || file.onlyCopied)) {
    file.onlyCopied = false
    await file.samples // also waits for a copy in progress
    return { facts, connect }
  }
  const { samples } = file
  const made = import('./private-copy.ts').then(({ makePrivateCopy }) =>
    makePrivateCopy(facts, lockTimeout * 1000),
  )
  file.samples = made.then(
    () => samples,
    () => samples,
  )
  const { path, walBytes, remove } = await made
  return {
    facts: { ...facts, walBytes, folderWritable: true, writable: true },
    connect: (named, options) => connectAt(path, named, options),
    end: remove,
  }
}

function changedError(path: string): AppError {
  return new AppError('LOCKED', `${path} was changed by another program while it was read`, {
    hint: 'run the command again; what it has printed may be wrong',
  })
}

function notWritable(path: string): AppError {
  return new AppError('IO', `${path}: it cannot be written (permission denied)`, {
    hint: 'check the permissions of the file and its folder with: ls -ld',
  })
}

/**
 * Keeps a copy of a log with lost commits; throws unless the file is opened for reading and the caller is
 * notified.
 */
async function tellLostCommits(
  facts: FileFacts,
  lost: LostCommits,
  { access = 'read', copying, form, onLostCommits }: DatabaseOptions,
): Promise<void> {
  const { keepLog, lostCommitsCause } = await import('./lost-commits.ts')
  const cause = lostCommitsCause(facts, lost, { kept: await keepLog(facts, new Date()), form })
  if (access !== 'read' || copying || !onLostCommits) throw causeError(cause)
  onLostCommits(cause)
}

function encryptedAlready(path: string): AppError {
  return new AppError('INVALID', `${path} is not a plaintext database: it is encrypted already, or damaged`, {
    hint: { step: 'diagnose', path, about: 'see which' },
  })
}

async function create(facts: FileFacts, file: HeldFile, options: DatabaseOptions): Promise<OpenDatabase> {
  const [key] = await options.keys()
  if (!key) throw new Error('creating a database needs a key')
  const { saltKey } = await import('./new-key.ts')
  const { literal } = await saltKey(key)
  const how: Opening = { ...options, facts, file, connect, key: literal, immutable: false, reading: 'read' }
  const db = new OpenDatabase(how, [])
  await db.openWriter()
  await db.exclusively((writer) => writer.exec('PRAGMA journal_mode = WAL'))
  return db
}

async function nameTheDamage(error: unknown, facts: FileFacts, options: DatabaseOptions): Promise<unknown> {
  if (isEngineError(error) && isBare(error)) return bareError(facts.path, error)
  if (!(error instanceof AppError) || !isEngineError(error.cause) || !UNPROVEN.has(error.code)) return error
  const diagnosis = await diagnose(facts.path, options.keys, options.knownSettings)
  return isWithoutDamage(diagnosis, options) ? error : causeError(diagnosis)
}
