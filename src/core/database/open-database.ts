import { dirname } from 'node:path'
import { LOCK_TIMEOUT } from '../engine/connect.ts'
import type { ClosableConnection, Connect, Connection, ConnectOptions } from '../engine/connection.ts'
import { lockedError } from '../engine/engine-errors.ts'
import { Pool } from '../engine/pool.ts'
import { AppError, systemErrorCode } from '../errors.ts'
import { exists, type FileFacts, hasChanged, identify } from '../files/file-facts.ts'
import { Key } from '../keys/key.ts'
import { type HeldFile, release } from './held-files.ts'
import type { SoleUse } from './sole-use.ts'

/** An open, verified database. */
export interface Database {
  readonly facts: FileFacts
  /** The verified key, as raw bytes; undefined for a plaintext file. */
  readonly key: Key | undefined
  /** The key as given: a passphrase, or a raw key. */
  readonly given: Key | undefined
  /** True when transactions are possible. */
  readonly writable: boolean
  /** Runs `work` on a reader of its own; only a transaction inside `work` keeps its view consistent. */
  read<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** Runs `work` in one BEGIN IMMEDIATE transaction on the writer, which commits all of it or nothing. */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /**
   * Lends the writer outside a transaction, for what SQLite refuses to do inside one. `hold` promises that it
   * changes nothing in this file.
   */
  exclusively<T>(work: (connection: Connection) => Promise<T>, intent?: 'change' | 'hold'): Promise<T>
  /**
   * Runs `work` on the only connection to the file, after a checkpoint of everything committed. Only there
   * may the file be replaced. Throws LOCKED while another program has it open. Ends the other uses of this
   * object.
   */
  alone<T>(work: (connection: Connection, sole: SoleUse) => Promise<T>): Promise<T>
  /**
   * Throws LOCKED, inside a transaction, when another file has replaced this one during the wait for the
   * lock.
   */
  refuseReplaced(): Promise<void>
}

/** The connection details of an open database, including the results of its verification. */
export interface Opening extends Pick<ConnectOptions, 'key' | 'cipher' | 'lockTimeout' | 'onStatement'> {
  /** The key as given. */
  given?: Key
  facts: FileFacts
  /** Released when the database is closed. */
  file: HeldFile
  connect: Connect
  immutable: boolean
  /** The access mode of its readers. */
  reading: 'read' | 'query'
  /** Removes what was created to read the file. */
  end?: () => Promise<void>
  /** Number of concurrent reader connections; default 2. */
  readers?: number
}

/** The connections to one verified file: a pool of readers, one writer. */
export class OpenDatabase implements Database {
  readonly facts: FileFacts
  readonly key: Key | undefined
  readonly given: Key | undefined
  readonly #how: Opening
  readonly #all: Set<ClosableConnection>
  readonly #readers: Pool<ClosableConnection>
  #writer: ClosableConnection | undefined
  #stopped = false

  constructor(how: Opening, readers: ClosableConnection[]) {
    this.facts = how.facts
    this.key = how.key === undefined ? undefined : new Key(how.key)
    this.given = how.given
    this.#how = how
    this.#all = new Set(readers)
    this.#readers = new Pool(how.readers ?? 2, readers, () => this.#connect(how.reading))
  }

  async openWriter(): Promise<void> {
    try {
      this.#writer = await this.#connect('write')
      // The second pragma is for macOS, whose fsync lets the disk decide when it writes.
      await this.#writer.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON')
    } catch (error) {
      await this.#closeConnections()
      throw error
    }
  }

  get writable(): boolean {
    return this.#writer !== undefined
  }

  read<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#readers.use(work)
  }

  exclusively<T>(work: (connection: Connection) => Promise<T>, intent = 'change'): Promise<T> {
    const writer = this.#writer
    if (!writer) throw new Error('this database was opened for reading')
    const patience = (this.#how.lockTimeout ?? LOCK_TIMEOUT) * 1000
    return this.#how.file.writing.run(
      () => (intent === 'hold' ? work(writer) : this.#lasting(() => work(writer))),
      patience,
      () => lockedError(this.facts.path),
    )
  }

  /**
   * Syncs to the disk what `work` committed. In rollback-journal mode, removing the journal is the commit,
   * and until the folder is synced a power cut would bring the journal back, which would roll back what was
   * committed. `synchronous = EXTRA` does the same, but reports a commit as failed when a file system cannot
   * sync.
   */
  async #lasting<T>(work: () => Promise<T>): Promise<T> {
    const result = await work().catch(async (error) => {
      await this.#settleJournal().catch(() => {}) // what was committed before the failure stays
      throw error
    })
    await this.#settleJournal()
    return result
  }

  async #settleJournal(): Promise<void> {
    const { realPath } = this.facts
    if (await exists(`${realPath}-wal`)) return
    const { syncFolder } = await import('../files/sync-folder.ts') // only outside WAL mode
    const folder = dirname(realPath)
    // Tried twice: a network may fail once.
    await syncFolder(folder)
      .catch(() => syncFolder(folder))
      .catch((error) => {
        throw unsettled(realPath, error)
      })
  }

  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.exclusively((writer) =>
      inTransaction(writer, async () => {
        await this.refuseReplaced()
        return work(writer)
      }),
    )
  }

  alone<T>(work: (connection: Connection, sole: SoleUse) => Promise<T>): Promise<T> {
    return this.exclusively(async () => {
      if (this.#how.file.users > 1) throw lockedError(this.facts.path)
      const { patiently } = await import('./sole-use.ts') // only for an operation that replaces the file
      const { connection, sole } = await patiently(
        this.#how.lockTimeout ?? LOCK_TIMEOUT,
        () => this.#takeSoleUse(),
        () => this.#stopped,
      )
      try {
        await this.refuseReplaced()
        return await work(connection, sole)
      } finally {
        await sole.end()
      }
    }, 'hold')
  }

  /**
   * Takes sole use on a new connection; when that fails, closes the connection, so that the others can
   * finish.
   */
  async #takeSoleUse(): Promise<{ connection: ClosableConnection; sole: SoleUse }> {
    await this.#closeConnections()
    const connection = await this.#connect('write')
    this.#writer = connection
    const { takeSoleUse } = await import('./sole-use.ts')
    try {
      return { connection, sole: await takeSoleUse(connection, this.facts) }
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async refuseReplaced(): Promise<void> {
    if ((await identify(this.facts.realPath)) === this.facts.id) return
    throw new AppError('LOCKED', `${this.facts.path} was replaced by another program a moment ago`, {
      hint: 'run the command again: nothing was changed by it',
    })
  }

  /** Returns true when the file was read without locks in place, and somebody wrote it meanwhile. */
  async wasChanged(): Promise<boolean> {
    return this.#how.immutable && !this.#how.end && (await hasChanged(this.facts))
  }

  interrupt(): void {
    this.#stopped = true
    for (const connection of this.#all) connection.interrupt()
  }

  async close(): Promise<void> {
    await this.#closeConnections()
    await this.#how.end?.()
    release(this.#how.file)
  }

  async #closeConnections(): Promise<void> {
    // The writer last: only a connection that may write empties the -wal and removes it.
    await Promise.all(
      [...this.#all].filter((other) => other !== this.#writer).map((reader) => reader.close()),
    )
    await this.#writer?.close()
    this.#all.clear()
  }

  async #connect(access: ConnectOptions['access']): Promise<ClosableConnection> {
    const { key, cipher, immutable, lockTimeout, onStatement } = this.#how
    const options = { access, key, cipher, immutable, lockTimeout, onStatement }
    const connection = await this.#how.connect(this.facts.realPath, options)
    this.#all.add(connection)
    return connection
  }
}

function unsettled(path: string, cause: unknown): AppError {
  const reason = systemErrorCode(cause) ?? String(cause)
  return new AppError('IO', `the change is in ${path}, but the disk did not confirm it (${reason})`, {
    hint: 'do not run the command again: copy the file to another disk; a power cut now could undo the change',
    cause,
  })
}

/** Runs `work` between BEGIN IMMEDIATE and COMMIT; rolls back when it throws. */
export async function inTransaction<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN IMMEDIATE')
  try {
    const result = await work()
    await connection.run('COMMIT')
    return result
  } catch (error) {
    // Some failures (a full disk) have rolled back already; then nothing is left to roll back.
    await connection.run('ROLLBACK').catch(() => {})
    throw error
  }
}
