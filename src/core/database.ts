import { pathToFileURL } from 'node:url'
import { types } from 'node:util'
import sqlcipher from '@journeyapps/sqlcipher'
import { causeError, causeWithKeys, causeWithoutKey, type Diagnosis } from './cause.ts'
import type {
  ClosableConnection,
  Connect,
  Connection,
  ConnectOptions,
  Row,
  StatementTiming,
  Value,
} from './connection.ts'
import { AppError } from './errors.ts'
import { examineFile, type FileFacts, readSamples, type Samples } from './file-facts.ts'
import { type Key, withSalt } from './key.ts'
import { Mutex, Pool } from './pool.ts'

/** The first SQLite release without the WAL-reset bug, which loses commits. */
const OLDEST_SAFE_ENGINE = 3_051_003
/** Seconds. */
const LOCK_TIMEOUT = 10
const PAGE_PROBE = 'SELECT count(*) FROM sqlite_schema'

export interface DatabaseOptions {
  path: string
  /** Called once, and only after the file itself was found worth opening. Several keys are tried in order. */
  keys: () => Promise<Key[]>
  /** `read` is the default; `create` expects an empty file and keys it; see ConnectOptions for the others. */
  access?: 'read' | 'write' | 'create'
  /** Seconds to wait for another process's lock; default 10. */
  lockTimeout?: number
  /** Connections that read side by side; default 2. */
  readers?: number
  /** Whether half a transaction that a killed program left may be rolled back, which writes; default true. */
  recover?: boolean
  onStatement?: (timing: StatementTiming) => void
  /** Aborting it interrupts the running statements; its reason is thrown. */
  signal?: AbortSignal
}

/** An open, proven database. */
export interface Database {
  readonly facts: FileFacts
  /** Runs `work` on a reader of its own: a consistent view is kept only inside a transaction of its own. */
  read<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** Runs `work` in one BEGIN IMMEDIATE transaction on the writer: all of it, or nothing. */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** Lends the writer outside a transaction, for what SQLite refuses to do inside one. */
  exclusively<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** Opens a copy of this database, which has the same key, for reading. */
  withTwin<T>(path: string, work: (connection: Connection) => Promise<T>): Promise<T>
}

/**
 * The one door to a database file: looks at it, proves the key by a read-only probe, opens it, runs `work`, and always
 * closes. Throws an AppError that names the cause when the file does not open or turns out to be damaged.
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
  if (options.signal?.aborted) throw options.signal.reason
  if ('result' in outcome) return outcome.result
  throw await nameTheDamage(outcome.error, db.facts, options)
}

/** Why `path` does not open, or that it does; reads only, and leaves every byte as it is. */
export async function diagnose(path: string, keys: () => Promise<Key[]>): Promise<Diagnosis> {
  const { facts, file } = await hold(path)
  try {
    return (await causeWithoutKey(facts, connect)) ?? (await causeWithKeys(facts, await keys(), connect))
  } finally {
    release(file)
  }
}

/** Opens an unencrypted database in memory, for schemas that are only compared. */
export async function withMemoryDatabase<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(':memory:', { access: 'write' })
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

// ---- opening ---------------------------------------------------------------------------------------------------

/** A file in use by this process. Its content is read once, before any connection to it (see readSamples). */
interface HeldFile {
  id: string
  samples: Promise<Samples>
  users: number
  /** Shared by all that write this file from this process: waiting inside SQLite would keep a thread from working. */
  writing: Mutex
}

const heldFiles = new Map<string, HeldFile>()

async function hold(path: string): Promise<{ facts: FileFacts; file: HeldFile }> {
  const facts = await examineFile(path)
  const known = heldFiles.get(facts.id)
  const file = known ?? { id: facts.id, samples: readSamples(facts), users: 0, writing: new Mutex() }
  heldFiles.set(facts.id, file)
  file.users++
  try {
    return { facts: { ...facts, samples: await file.samples }, file }
  } catch (error) {
    release(file)
    throw error
  }
}

function release(file: HeldFile): void {
  if (--file.users === 0) heldFiles.delete(file.id)
}

async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const { facts, file } = await hold(options.path)
  try {
    return await (options.access === 'create' ? create : openExisting)(facts, file, options)
  } catch (error) {
    release(file)
    throw error
  }
}

async function openExisting(
  facts: FileFacts,
  file: HeldFile,
  options: DatabaseOptions,
): Promise<OpenDatabase> {
  const known = await causeWithoutKey(facts, connect)
  if (known) throw causeError(known)
  const keys = await options.keys()
  options.signal?.throwIfAborted()
  const { key, probe, immutable } = await prove(facts, keys, options)
  // A -wal that was there belongs to a living or crashed program: a command that reads must leave it alone, so the
  // probe goes on as its reader. Without one, a connection that may write tidies away the -wal that reading makes.
  const tidy = options.access !== 'write' && !immutable && facts.walBytes === undefined
  if (tidy) await probe.close()
  const how: Opening = { key, immutable, reading: tidy ? 'query' : 'read' }
  const db = new OpenDatabase(facts, file, options, how, tidy ? [] : [probe])
  if (options.access === 'write') await db.openWriter()
  return db
}

async function create(facts: FileFacts, file: HeldFile, options: DatabaseOptions): Promise<OpenDatabase> {
  const { randomBytes } = await import('node:crypto')
  const salt = randomBytes(16)
  const [key] = await options.keys()
  if (!key) throw new Error('creating a database needs a key')
  const literal = await key.literal(salt)
  const how: Opening = { key: withSalt(literal, salt), immutable: false, reading: 'read' }
  const db = new OpenDatabase(facts, file, options, how, [])
  await db.openWriter()
  return db
}

/** Finds the key that opens the file, by reading it without writing. */
async function prove(facts: FileFacts, keys: Key[], options: DatabaseOptions) {
  const { lockTimeout, onStatement } = options
  for (const candidate of keys) {
    const key = await candidate.literal(facts.samples.start.subarray(0, 16))
    for (const [index, way] of waysToProbe(facts, options).entries()) {
      if (way.access === 'query' && (await isWrongKey(facts, key))) break
      const probe = await connect(facts.realPath, { key, lockTimeout, onStatement, ...way })
      try {
        await probe.get(PAGE_PROBE)
        return { key, probe, immutable: way.immutable ?? false }
      } catch (error) {
        await probe.close()
        if (error instanceof AppError && UNPROVEN.has(error.code)) break
        const isLast = index === waysToProbe(facts, options).length - 1
        if (isLast || !(error instanceof AppError && error.code === 'IO')) throw explainJournal(error, facts)
      }
    }
  }
  throw causeError(await causeWithKeys(facts, keys, connect))
}

/** Each is tried only when the one before it failed for want of permission. */
function waysToProbe(
  facts: FileFacts,
  { recover = true }: DatabaseOptions,
): Pick<ConnectOptions, 'access' | 'immutable'>[] {
  // A WAL database in a folder that cannot be written has nowhere for its -shm; without a -wal it is at rest.
  const atRest = !facts.folderWritable && facts.walBytes === undefined && !facts.hasJournal
  // Half a transaction of a killed program is rolled back from its journal, which only a writing connection may do.
  const rollBack = facts.hasJournal && recover
  return [
    { access: 'read' },
    ...(atRest ? [{ access: 'read', immutable: true } as const] : []),
    ...(rollBack ? [{ access: 'query' } as const] : []),
  ]
}

/** A connection that rolls back writes before it knows whether its key is right: so the key is tried on the side first. */
async function isWrongKey(facts: FileFacts, key: string): Promise<boolean> {
  const probe = await connect(facts.realPath, { key, access: 'read', immutable: true })
  return probe
    .get(PAGE_PROBE)
    .then(
      () => false,
      (error) => error instanceof AppError && error.code === 'WRONG_KEY',
    )
    .finally(() => probe.close())
}

function explainJournal(error: unknown, { path, hasJournal }: FileFacts): unknown {
  if (!hasJournal || !(error instanceof AppError) || error.code !== 'IO') return error
  return new AppError('CHECK_FAILED', `${path}: a program was killed in the middle of a transaction`, {
    hint: 'libreollama-db stats opens the database, which rolls the transaction back; then run this again',
    cause: error,
  })
}

const UNPROVEN = new Set(['WRONG_KEY', 'CORRUPT'])

async function nameTheDamage(error: unknown, facts: FileFacts, options: DatabaseOptions): Promise<unknown> {
  if (!(error instanceof AppError) || !isEngineError(error.cause) || !UNPROVEN.has(error.code)) return error
  const diagnosis = await diagnose(facts.path, options.keys)
  return diagnosis.cause === 'ok' ? error : causeError(diagnosis)
}

// ---- an open database ------------------------------------------------------------------------------------------

interface Opening {
  key: string
  immutable: boolean
  reading: 'read' | 'query'
}

class OpenDatabase implements Database {
  readonly facts: FileFacts
  readonly #options: DatabaseOptions
  readonly #all = new Set<ClosableConnection>()
  readonly #readers: Pool<ClosableConnection>
  readonly #file: HeldFile
  #writer: ClosableConnection | undefined
  readonly #how: Opening

  constructor(
    facts: FileFacts,
    file: HeldFile,
    options: DatabaseOptions,
    how: Opening,
    readers: ClosableConnection[],
  ) {
    this.facts = facts
    this.#options = options
    this.#how = how
    for (const reader of readers) this.#all.add(reader)
    this.#readers = new Pool(options.readers ?? 2, readers, () => this.#connect(this.#how.reading))
    this.#file = file
  }

  async openWriter(): Promise<void> {
    try {
      this.#writer = await this.#connect('write')
      await this.#writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    } catch (error) {
      await this.#closeConnections()
      throw error
    }
  }

  read<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#readers.use(work)
  }

  exclusively<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const writer = this.#writer
    if (!writer) throw new Error('this database was opened for reading')
    const patience = (this.#options.lockTimeout ?? LOCK_TIMEOUT) * 1000
    return this.#file.writing.run(
      () => work(writer),
      patience,
      () => lockedError(this.facts.path),
    )
  }

  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.exclusively((writer) => inTransaction(writer, () => work(writer)))
  }

  async withTwin<T>(path: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const twin = await connect(path, { access: 'read', key: this.#how.key, immutable: true })
    try {
      return await work(twin)
    } finally {
      await twin.close()
    }
  }

  interrupt(): void {
    for (const connection of this.#all) connection.interrupt()
  }

  async close(): Promise<void> {
    await this.#closeConnections()
    release(this.#file)
  }

  async #closeConnections(): Promise<void> {
    // The writer last: only a connection that may write empties the -wal and removes it.
    await Promise.all(
      [...this.#all].filter((other) => other !== this.#writer).map((reader) => reader.close()),
    )
    await this.#writer?.close()
  }

  async #connect(access: ConnectOptions['access']): Promise<ClosableConnection> {
    const { key, immutable } = this.#how
    const { lockTimeout, onStatement } = this.#options
    const connection = await connect(this.facts.realPath, {
      access,
      key,
      immutable,
      lockTimeout,
      onStatement,
    })
    this.#all.add(connection)
    return connection
  }
}

/** Runs `work` between BEGIN IMMEDIATE and COMMIT; rolls back when it throws. */
export async function inTransaction<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN IMMEDIATE')
  try {
    const result = await work()
    await connection.run('COMMIT')
    return result
  } catch (error) {
    // Some failures (a full disk) have rolled back already; then there is nothing left to roll back.
    await connection.run('ROLLBACK').catch(() => {})
    throw error
  }
}

// ---- the driver ------------------------------------------------------------------------------------------------

/** Constants that the driver exports and its type declarations leave out. */
const engine = sqlcipher as unknown as { VERSION: string; VERSION_NUMBER: number }

type Handle = InstanceType<typeof sqlcipher.Database>
type EngineError = Error & { errno: number; code: string }

const isEngineError = (error: unknown): error is EngineError =>
  types.isNativeError(error) &&
  'errno' in error &&
  'code' in error &&
  String(error.code).startsWith('SQLITE_')

const connect: Connect = async (path, options) => {
  if (engine.VERSION_NUMBER < OLDEST_SAFE_ENGINE) {
    throw new AppError(
      'FAILURE',
      `the installed engine is SQLite ${engine.VERSION}, which can lose commits`,
      {
        hint: 'npm install @journeyapps/sqlcipher@6 brings one that cannot',
      },
    )
  }
  const mode = options.access === 'read' ? sqlcipher.OPEN_READONLY : sqlcipher.OPEN_READWRITE
  const name = options.immutable ? `${pathToFileURL(path).href}?immutable=1` : path
  const handle = await new Promise<Handle>((resolve, reject) => {
    const opened: Handle = new sqlcipher.Database(
      name,
      options.immutable ? mode | sqlcipher.OPEN_URI : mode,
      (error) => (error ? reject(explainEngineError(error, path)) : resolve(opened)),
    )
  })
  const connection = new EngineConnection(handle, path, options.onStatement)
  try {
    handle.configure('busyTimeout', Math.round((options.lockTimeout ?? LOCK_TIMEOUT) * 1000))
    await connection.prepare(options)
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

class EngineConnection implements ClosableConnection {
  readonly #handle: Handle
  readonly #path: string
  readonly #onStatement: ((timing: StatementTiming) => void) | undefined
  #closed: Promise<void> | undefined

  constructor(handle: Handle, path: string, onStatement?: (timing: StatementTiming) => void) {
    this.#handle = handle
    this.#path = path
    this.#onStatement = onStatement
  }

  /** Keys the connection and sets its pragmas. No error of a keying statement leaves here: its text could hold the key. */
  async prepare({ key, format, access }: ConnectOptions): Promise<void> {
    const keying = key === undefined ? '' : `PRAGMA key = "${key}";`
    const old = format === undefined ? '' : `PRAGMA cipher_compatibility = ${format};`
    const script = `PRAGMA cipher_log_level = NONE; ${keying} ${old} PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
      PRAGMA foreign_keys = ON; ${access === 'query' ? 'PRAGMA query_only = ON;' : ''}`
    await new Promise<void>((resolve, reject) =>
      this.#handle.exec(script, (error) =>
        error
          ? reject(new AppError('FAILURE', `keying the connection failed (${errorName(error)})`, KEYING))
          : resolve(),
      ),
    )
  }

  all<R = Row>(sql: string, parameters: readonly Value[] = []): Promise<R[]> {
    return this.#call(
      sql,
      (done) => this.#handle.all(sql, bindable(parameters), done),
      (rows: R[]) => rows.length,
    )
  }

  get<R = Row>(sql: string, parameters: readonly Value[] = []): Promise<R | undefined> {
    return this.#call(
      sql,
      (done) => this.#handle.get(sql, bindable(parameters), done),
      (row: R | undefined) => (row === undefined ? 0 : 1),
    )
  }

  run(sql: string, parameters: readonly Value[] = []): Promise<number> {
    return this.#call(
      sql,
      (done) =>
        this.#handle.run(sql, bindable(parameters), function (this: { changes: number }, error) {
          done(error, this?.changes ?? 0)
        }),
      (changes: number) => changes,
    )
  }

  async exec(script: string): Promise<void> {
    await this.#call(
      script,
      (done) => this.#handle.exec(script, (error) => done(error, 0)),
      () => 0,
    )
  }

  interrupt(): void {
    if (!this.#closed) this.#handle.interrupt()
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve, reject) =>
      this.#handle.close((error) => (error ? reject(explainEngineError(error, this.#path)) : resolve())),
    )
    return this.#closed
  }

  #call<T>(
    sql: string,
    start: (done: (error: Error | null, result: T) => void) => unknown,
    count: (result: T) => number,
  ): Promise<T> {
    const report = this.#onStatement
    const began = report && performance.now()
    return new Promise((resolve, reject) => {
      start((error, result) => {
        if (error) return reject(explainEngineError(error, this.#path))
        if (began !== undefined)
          report?.({ sql, milliseconds: performance.now() - began, rows: count(result) })
        resolve(result)
      })
    })
  }
}

const KEYING = { hint: 'libreollama-db diagnose <file> tells why a file does not open' }

const errorName = (error: unknown) => (isEngineError(error) ? error.code : 'unknown error')

/** Refuses what the driver would store as something else: big integers and NaN as NULL, objects as text. */
function bindable(parameters: readonly Value[]): (string | number | null | Uint8Array)[] {
  return parameters.map((value) => {
    if (typeof value === 'boolean') return value ? 1 : 0
    if (typeof value === 'string' && !value.isWellFormed()) {
      throw new AppError('INVALID', 'the text contains half of a surrogate pair, which UTF-8 cannot hold', {
        hint: 'remove the broken character and try again',
      })
    }
    const fits =
      value === null ||
      typeof value === 'string' ||
      value instanceof Uint8Array ||
      (typeof value === 'number' &&
        Number.isFinite(value) &&
        (!Number.isInteger(value) || Number.isSafeInteger(value)))
    if (!fits) throw new TypeError(`a parameter of type ${typeof value} cannot be stored exactly`)
    return value
  })
}

function lockedError(path: string, cause?: Error): AppError {
  return new AppError('LOCKED', `${path}: locked by another program`, {
    hint: 'close the other program, or wait longer with --lock-timeout <seconds>',
    cause,
  })
}

/** An engine error in plain words, by its code; an error of our own SQL stays as it is and counts as a defect. */
function explainEngineError(error: Error, path: string): Error {
  if (!isEngineError(error)) return error
  const say = (code: AppError['code'], message: string, hint: string) =>
    new AppError(code, `${path}: ${message}`, { hint, cause: error })
  switch (error.code) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return lockedError(path, error)
    case 'SQLITE_NOTADB':
      return say('WRONG_KEY', 'the key does not open it', 'libreollama-db diagnose <file> tells why')
    case 'SQLITE_CORRUPT':
      return say('CORRUPT', 'the database is damaged', 'libreollama-db diagnose <file> names the pages')
    case 'SQLITE_FULL':
      return say('IO', 'the disk is full', 'free some space (df -h shows how much is left) and run it again')
    case 'SQLITE_READONLY':
      return say(
        'IO',
        'it cannot be written',
        'check the permissions of the file and its folder with: ls -ld',
      )
    case 'SQLITE_CANTOPEN':
      return say('IO', 'it cannot be opened', 'check the permissions of the file and its folder with: ls -ld')
    case 'SQLITE_PERM':
    case 'SQLITE_AUTH':
      return say('IO', 'permission denied', 'check the permissions of the file and its folder with: ls -ld')
    case 'SQLITE_IOERR':
      return say(
        'IO',
        'reading or writing the disk failed',
        'check the disk, and libreollama-db health --full',
      )
    case 'SQLITE_CONSTRAINT':
      return say(
        'INVALID',
        error.message.replace(/^SQLITE_CONSTRAINT: /, ''),
        'change the value and try again',
      )
    case 'SQLITE_TOOBIG':
      return say('INVALID', 'the value is too large', 'text and blobs are limited to 1,000,000,000 bytes')
    default:
      return error
  }
}
