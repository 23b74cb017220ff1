import type { CipherSettings } from '../keys/cipher-settings.ts'

/** What a column can hold and a parameter can be. Booleans are stored as 0 and 1. */
export type Value = string | number | boolean | null | Uint8Array

/** A row as the engine gives it: text, numbers, null, and bytes. */
export type Row = Record<string, unknown>

/**
 * Values for a statement: for `?` in their order, or by name with the sign that the statement has (`:name`).
 */
export type Parameters = readonly Value[] | Readonly<Record<string, Value>>

/** One connection to a database, as all code but `connect.ts` sees it. */
export interface Connection {
  /** All rows of a query. */
  all<R = Row>(sql: string, parameters?: Parameters): Promise<R[]>
  /**
   * The same for one of the few statements that are run hundreds of times: it stays prepared while the
   * connection is open.
   */
  repeat<R = Row>(sql: string, parameters?: Parameters): Promise<R[]>
  /** The first row, or undefined. */
  get<R = Row>(sql: string, parameters?: Parameters): Promise<R | undefined>
  /**
   * Runs one statement; resolves to the number of rows it changed, without those that triggers and cascades
   * did.
   */
  run(sql: string, parameters?: Parameters): Promise<number>
  /** Runs a script of several statements. */
  exec(script: string): Promise<void>
}

/** One statement that was run, for `--timing`: never a keying statement, never a parameter's value. */
export interface StatementTiming {
  sql: string
  milliseconds: number
  rows: number
}

/** How a connection is made. */
export interface ConnectOptions {
  /**
   * `read` never writes a byte of the database; `query` may recover and tidy the -wal but runs only queries.
   */
  access: 'read' | 'query' | 'write'
  /** SQLCipher's raw-key literal; without one the file is opened as plaintext. */
  key?: string
  /** How the file is encrypted, where it is not as SQLCipher 4 does by default. */
  cipher?: CipherSettings
  /** Promises that nobody changes the file meanwhile: reads it without locks and without touching a -wal. */
  immutable?: boolean
  /** Seconds to wait for another process's lock. */
  lockTimeout?: number
  onStatement?: (timing: StatementTiming) => void
}

/** A connection as its owner sees it. */
export interface ClosableConnection extends Connection {
  /** Stops the statement that is running. */
  interrupt(): void
  close(): Promise<void>
}

/** Opens a connection; the key is not proven until the first read. */
export type Connect = (path: string, options: ConnectOptions) => Promise<ClosableConnection>
