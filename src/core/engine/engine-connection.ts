import { AppError } from '../errors.ts'
import { type Bindable, bindable } from './bindable.ts'
import type { ClosableConnection, ConnectOptions, Parameters, Row, StatementTiming } from './connection.ts'
import { explainEngineError, isEngineError } from './engine-errors.ts'

type Done<T> = (error: Error | null, result: T) => void
type Bound = Bindable[] | Record<string, Bindable>

/** The part of the driver's prepared statement in use; only `all` runs it, after which it holds no lock. */
interface Statement {
  all<R>(parameters: Bound, done: Done<R[]>): unknown
  finalize(): void
}

/** The part of the driver's handle in use. */
export interface Handle {
  all<R>(sql: string, parameters: Bound, done: Done<R[]>): unknown
  get<R>(sql: string, parameters: Bound, done: Done<R | undefined>): unknown
  run(sql: string, parameters: Bound, done: (this: { changes: number }, error: Error | null) => void): unknown
  exec(script: string, done: (error: Error | null) => void): unknown
  prepare(sql: string, done: (error: Error | null) => void): Statement
  configure(option: 'busyTimeout', milliseconds: number): void
  interrupt(): void
  close(done: (error: Error | null) => void): void
}

/**
 * A connection on a handle of the driver: promises instead of callbacks, exact parameters, errors in plain
 * words.
 */
export class EngineConnection implements ClosableConnection {
  readonly #handle: Handle
  readonly #path: string
  readonly #onStatement: ((timing: StatementTiming) => void) | undefined
  /** Prepared statements by their text, until the connection is closed. */
  readonly #prepared = new Map<string, Promise<Statement>>()
  #closed: Promise<void> | undefined

  constructor(handle: Handle, path: string, onStatement?: (timing: StatementTiming) => void) {
    this.#handle = handle
    this.#path = path
    this.#onStatement = onStatement
  }

  /**
   * Keys the connection and sets its pragmas. No error of a keying statement escapes: its text could contain
   * the key.
   */
  async prepare({ key, cipher, access }: ConnectOptions): Promise<void> {
    const keying = key === undefined ? '' : `PRAGMA key = "${key}";`
    const pragmas = cipher
      ? Object.entries((await import('../keys/cipher-settings.ts')).cipherPragmas(cipher))
      : []
    const settings = pragmas.map(([name, value]) => `PRAGMA ${name} = ${value};`).join(' ')
    const script = `PRAGMA cipher_log_level = NONE; ${keying} ${settings} PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
      PRAGMA foreign_keys = ON; ${access === 'query' ? 'PRAGMA query_only = ON;' : ''}`
    await new Promise<void>((resolve, reject) =>
      this.#handle.exec(script, (error) =>
        error
          ? reject(new AppError('FAILURE', `keying the connection failed (${errorName(error)})`, KEYING))
          : resolve(),
      ),
    )
  }

  all<R = Row>(sql: string, parameters: Parameters = []): Promise<R[]> {
    return this.#call(
      sql,
      (done) => this.#handle.all(sql, bound(parameters), done),
      (rows: R[]) => rows.length,
    )
  }

  async repeat<R = Row>(sql: string, parameters: Parameters = []): Promise<R[]> {
    const statement = await this.#prepare(sql)
    return this.#call(
      sql,
      (done) => statement.all(bound(parameters), done),
      (rows: R[]) => rows.length,
    )
  }

  get<R = Row>(sql: string, parameters: Parameters = []): Promise<R | undefined> {
    return this.#call(
      sql,
      (done) => this.#handle.get(sql, bound(parameters), done),
      (row: R | undefined) => (row === undefined ? 0 : 1),
    )
  }

  run(sql: string, parameters: Parameters = []): Promise<number> {
    return this.#call(
      sql,
      (done) =>
        this.#handle.run(sql, bound(parameters), function (this: { changes: number }, error) {
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
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const made of await Promise.allSettled(this.#prepared.values())) {
      if (made.status === 'fulfilled') made.value.finalize()
    }
    await new Promise<void>((resolve, reject) =>
      this.#handle.close((error) => (error ? reject(explainEngineError(error, this.#path)) : resolve())),
    )
  }

  #prepare(sql: string): Promise<Statement> {
    const before = this.#prepared.get(sql)
    if (before) return before
    const made = new Promise<Statement>((resolve, reject) => {
      const statement = this.#handle.prepare(sql, (error) =>
        error ? reject(explainEngineError(error, this.#path)) : resolve(statement),
      )
    })
    this.#prepared.set(sql, made)
    made.catch(() => this.#prepared.delete(sql))
    return made
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

const KEYING = { hint: { step: 'diagnose', about: 'see why the file does not open' } } as const

const errorName = (error: unknown) => (isEngineError(error) ? error.code : 'unknown error')

function bound(parameters: Parameters): Bound {
  if (Array.isArray(parameters)) return parameters.map((value) => bindable(value))
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, bindable(value, `the parameter ${name}`)]),
  )
}
