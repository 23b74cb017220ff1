import type { ClosableConnection, Connect, Connection, ConnectOptions } from './connection.ts'
import { lockedError } from './engine-errors.ts'
import type { FileFacts } from './file-facts.ts'
import { type HeldFile, release } from './held-files.ts'
import { Pool } from './pool.ts'

/** Seconds. */
export const LOCK_TIMEOUT = 10

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

/** How an open database is reached; what was proven is in here already. */
export interface Opening extends Pick<ConnectOptions, 'lockTimeout' | 'onStatement'> {
  facts: FileFacts
  /** Released when the database is closed. */
  file: HeldFile
  connect: Connect
  key: string
  immutable: boolean
  /** What kind of connection its readers are. */
  reading: 'read' | 'query'
  /** Connections that read side by side; default 2. */
  readers?: number
}

/** The connections to one proven file: readers in a pool, one writer. */
export class OpenDatabase implements Database {
  readonly facts: FileFacts
  readonly #how: Opening
  readonly #all: Set<ClosableConnection>
  readonly #readers: Pool<ClosableConnection>
  #writer: ClosableConnection | undefined

  constructor(how: Opening, readers: ClosableConnection[]) {
    this.facts = how.facts
    this.#how = how
    this.#all = new Set(readers)
    this.#readers = new Pool(how.readers ?? 2, readers, () => this.#connect(how.reading))
  }

  async openWriter(): Promise<void> {
    try {
      this.#writer = await this.#connect('write')
      await this.#writer.exec('PRAGMA synchronous = FULL')
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
    const patience = (this.#how.lockTimeout ?? LOCK_TIMEOUT) * 1000
    return this.#how.file.writing.run(
      () => work(writer),
      patience,
      () => lockedError(this.facts.path),
    )
  }

  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.exclusively((writer) => inTransaction(writer, () => work(writer)))
  }

  async withTwin<T>(path: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const twin = await this.#how.connect(path, { access: 'read', key: this.#how.key, immutable: true })
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
    release(this.#how.file)
  }

  async #closeConnections(): Promise<void> {
    // The writer last: only a connection that may write empties the -wal and removes it.
    await Promise.all(
      [...this.#all].filter((other) => other !== this.#writer).map((reader) => reader.close()),
    )
    await this.#writer?.close()
  }

  async #connect(access: ConnectOptions['access']): Promise<ClosableConnection> {
    const { key, immutable, lockTimeout, onStatement } = this.#how
    const options = { access, key, immutable, lockTimeout, onStatement }
    const connection = await this.#how.connect(this.facts.realPath, options)
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
