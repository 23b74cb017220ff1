import type { CipherSettings } from '../keys/cipher-settings.ts'

/** A value that a column can hold and a parameter can be. Booleans are stored as 0 and 1. */
export type Value = string | number | boolean | null | Uint8Array

/** A row from the engine: text, numbers, null, and bytes. */
export type Row = Record<string, unknown>

/** Values for a statement: for `?` in order, or by name with the sign that the statement uses (`:name`). */
export type Parameters = readonly Value[] | Readonly<Record<string, Value>>

/** One connection to a database, as all code but `connect.ts` sees it. */
export interface Connection {
  /** Returns all rows of a query. */
  all<R = Row>(sql: string, parameters?: Parameters): Promise<R[]>
  /**
   * Returns all rows of one of the few statements that run hundreds of times: it stays prepared while the
   * connection is open.
   */
  repeat<R = Row>(sql: string, parameters?: Parameters): Promise<R[]>
  /** Returns the first row, or undefined. */
  get<R = Row>(sql: string, parameters?: Parameters): Promise<R | undefined>
  /**
   * Runs one statement; resolves to the number of rows it changed, excluding those that triggers and cascades
   * changed.
   */
  run(sql: string, parameters?: Parameters): Promise<number>
  /** Runs a script of several statements. */
  exec(script: string): Promise<void>
}

/** One executed statement, for `--timing`: never a keying statement, never a parameter's value. */
export interface StatementTiming {
  sql: string
  milliseconds: number
  rows: number
}

/** Options for a connection. */
export interface ConnectOptions {
  /**
   * `read` never writes a byte of the database; `query` may recover and checkpoint the -wal but runs only
   * queries.
   */
  access: 'read' | 'query' | 'write'
  /** SQLCipher's raw-key literal; without one the file is opened as plaintext. */
  key?: string
  /** The encryption settings, when they differ from the defaults of SQLCipher 4. */
  cipher?: CipherSettings
  /**
   * Promises that nobody changes the file meanwhile: it is read without locks and without touching a -wal.
   */
  immutable?: boolean
  /** Seconds to wait for another process's lock. */
  lockTimeout?: number
  onStatement?: (timing: StatementTiming) => void
}

/** A connection as its owner sees it. */
export interface ClosableConnection extends Connection {
  /** Interrupts the running statement. */
  interrupt(): void
  close(): Promise<void>
}

/** Opens a connection; the key is not verified until the first read. */
export type Connect = (path: string, options: ConnectOptions) => Promise<ClosableConnection>
