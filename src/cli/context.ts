import type { Hint } from '../core/advice.ts'
import type { CopyOptions } from '../core/copy/copy.ts'
import type { DatabaseOptions } from '../core/database/database.ts'
import { databasePath } from '../core/database/location.ts'
import type { Row, StatementTiming } from '../core/engine/connection.ts'
import { AppError } from '../core/errors.ts'
import type { Key } from '../core/keys/key.ts'
import {
  describeKeySource,
  type KeySource,
  LARGEST_KEY,
  noKeyError,
  readKeychain,
  readKeys,
} from '../core/keys/key-source.ts'
import type { Spelling } from '../core/keys/key-spelling.ts'
import type { Keychain } from '../core/keys/keychain.ts'
import type { Progress } from '../core/progress.ts'
import type { Migration } from '../core/schema/migrations.ts'
import { jsonText } from '../core/transfer/export/formats/json-text.ts'
import { commandLine, optionIn } from './command-line.ts'
import type { Run } from './hints.ts'
import { type Host, hasNoReader, readAll, tell, write } from './host.ts'
import { chooseKeySource, type KeyFlags } from './key-flags.ts'
import { FORMATS, type Format } from './output/index.ts'
import { createListPrinter, createPrinter } from './output/printer.ts'
import type { OutputOptions, Print, View } from './output/view.ts'
import { ProgressBar } from './progress-bar.ts'
import type { Protection } from './prompt.ts'
import { type ColorChoice, createStyle, safeLine } from './terminal.ts'

/** The global options, as they were given. */
export interface GlobalOptions extends KeyFlags {
  db?: string
  output?: Format
  json?: boolean
  ndjson?: boolean
  csv?: boolean
  fields?: string
  input: boolean
  yes?: boolean
  color: ColorChoice
  lockTimeout: number
  timing?: boolean
  quiet?: boolean
  verbose?: boolean
}

/** What a command has: where the database is, how to open it, how to answer and to ask. */
export class Context {
  readonly host: Host
  readonly options: GlobalOptions
  readonly format: Format
  /** The exit code of a run that did not throw. */
  exitCode = 0
  /** By salt for keys of the keychain, which has one for each file; else under one name. */
  readonly #keys = new Map<string, Promise<Key[]>>()
  #source: KeySource | undefined
  readonly #bar: ProgressBar
  readonly #held: string[] = []
  readonly #warned = new Set<string>()
  readonly #timings: StatementTiming[] = []
  readonly #done: string[] = []
  /** Whether all was done that the command is for. */
  complete = false

  readonly #argv: readonly string[]
  readonly #command: string | undefined
  /** Warnings whose hint is being put into words. */
  readonly #coming: Promise<void>[] = []

  constructor(host: Host, options: GlobalOptions, argv: readonly string[] = [], command?: string) {
    this.host = host
    this.#argv = argv
    this.#command = command
    this.options = options
    this.format = chooseFormat(options)
    this.#bar = new ProgressBar(host, !options.quiet)
  }

  get path(): string {
    const { db } = this.options
    const { env } = this.host
    if (db === undefined && env.LIBREOLLAMA_DB === '') throw emptyVariable()
    return databasePath(db ?? env.LIBREOLLAMA_DB, env)
  }

  /** What `withDatabase` needs; the key is resolved when the file turns out to need one. */
  get database(): DatabaseOptions {
    return {
      path: this.path,
      keys: (salt) => this.keys(salt),
      lockTimeout: this.options.lockTimeout,
      signal: this.host.signal,
      onLostCommits: ({ detail, hint }) =>
        this.warn(`${detail}; what was committed before it is shown`, hint),
      onStatement: this.options.timing ? (timing) => this.#onStatement(timing) : undefined,
      explain: async (error, inquiry) => {
        const { explainFailure } = await import('../core/checks/explain-failure.ts') // only what failed needs it
        return explainFailure(error, inquiry, await this.migrations())
      },
    }
  }

  /** What making a proven copy needs beside that. */
  get copying(): CopyOptions {
    return {
      inspect: async (...request) => (await import('../helper-programs.ts')).inspectElsewhere(...request),
      onProgress: (progress) => this.#bar.show(progress),
      warn: (message, hint) => this.warn(message, hint),
      signal: this.host.signal,
      now: this.host.now,
    }
  }

  /**
   * The keychain of the system; waits as long as for a lock, and where a person may have to unlock it, a
   * minute.
   */
  async keychain(): Promise<Keychain> {
    const { systemKeychain } = await import('../helper-programs.ts')
    const patience = Math.max(this.options.lockTimeout, this.hasPerson ? 60 : 0.5)
    return systemKeychain(this.host.env, patience * 1000)
  }

  /** The migrations that this program ships. */
  async migrations(): Promise<Migration[]> {
    const { shippedMigrations } = await import('../shipped-migrations.ts')
    return shippedMigrations()
  }

  /** The named key source, or undefined. Throws USAGE when two are named at one level. */
  get keySource(): KeySource | undefined {
    return chooseKeySource(this.options, this.host.env)
  }

  /** The key for a file with this salt, the database or the one at `path`; asked for once. */
  async keys(salt?: Buffer, path?: string): Promise<Key[]> {
    this.#source ??= this.keySource ?? (await this.#sourceOfUnnamed(salt))
    const source = this.#source
    const id = source.kind === 'keychain' ? (salt?.toString('hex') ?? '') : 'any'
    const keys = this.#keys.get(id) ?? this.readKeys(source, salt, path)
    this.#keys.set(id, keys)
    return keys
  }

  /** Reads the key from this source instead of looking for one. */
  useKeySource(source: KeySource): void {
    this.#source = source
    this.#keys.clear()
  }

  /** Where the key came from, in words; only known when it was asked for. */
  get keyOrigin(): string {
    return describeKeySource(this.#source ?? this.keySource ?? { kind: 'prompt' })
  }

  /** An error, with what to do about it where another spelling of the key opens the database. */
  async adviseOnKey(error: unknown): Promise<unknown> {
    if (!(error instanceof AppError) || !error.cause || !this.#source) return error
    const { Spelling } = await import('../core/keys/key-spelling.ts')
    if (!(error.cause instanceof Spelling)) return error
    return new AppError(error.code, error.message, {
      hint: await this.spellingHint(error.cause),
      cause: error,
    })
  }

  /** What to do when another spelling of the key opens a file: with the option that names that file. */
  async spellingHint(spelling: Spelling): Promise<string> {
    const { spellingHint } = await import('./spelling-hint.ts')
    const isOther = spelling.path !== this.#namedPath
    return spellingHint(
      spelling,
      (isOther && this.#sourceOfImport) || this.#source || { kind: 'prompt' },
      isOther ? spelling.path : this.options.db,
    )
  }

  /** Where the key of an encrypted source comes from. */
  get #sourceOfImport(): KeySource | undefined {
    if (this.#command !== 'import') return undefined
    const keyFile = optionIn(this.#argv, '--source-key-file')
    const keyCommand = optionIn(this.#argv, '--source-key-command')
    return chooseKeySource(
      { ...(keyFile ? { keyFile } : {}), ...(keyCommand ? { keyCommand } : {}) },
      {},
      'source-',
    )
  }

  /** Whether a person sits at a terminal. */
  get hasPerson(): boolean {
    return Boolean(this.host.stdin.isTTY && this.host.stderr.isTTY)
  }

  /**
   * Whether a person sees what is told, even one who cannot be asked, because standard input is something
   * else.
   */
  get isWatched(): boolean {
    return Boolean(this.host.stderr.isTTY)
  }

  /**
   * Makes sure that `question` may be asked; throws USAGE, naming the flags that answer it, when it may not.
   */
  requirePerson(question: string, flags: string): void {
    const ci = this.host.env.CI
    const noInput = !this.options.input || (ci !== undefined && !['', '0', 'false'].includes(ci))
    if (this.hasPerson && !noInput) return
    throw new AppError(
      'USAGE',
      `${question}, and ${this.hasPerson ? 'asking is switched off' : 'there is no terminal to ask on'}`,
      {
        hint: flags,
      },
    )
  }

  /** Goes on only when the person, or `--yes`, agrees. Throws DECLINED. */
  async confirm(question: string): Promise<void> {
    if (this.options.yes) return
    this.requirePerson(`this needs a yes: ${question}`, 'add --yes')
    if (await this.#ask(({ confirm }) => confirm(this.host, question))) return
    throw new AppError('DECLINED', 'stopped, as you said', { hint: 'nothing was changed' })
  }

  /** Whether the person says yes to an offer; nobody else is asked. */
  async agrees(question: string): Promise<boolean> {
    if (!this.hasPerson || !this.options.input) return false
    return this.#ask(({ confirm }) => confirm(this.host, question))
  }

  /** Asks, with nothing else on the terminal meanwhile. */
  async #ask<T>(question: (prompt: typeof import('./prompt.ts')) => Promise<T>): Promise<T> {
    return this.#bar.without(async () => question(await import('./prompt.ts')))
  }

  /** How a new database shall be protected, as the person chooses. */
  askProtection(keyFile: string, offerKeychain: boolean): Promise<Protection> {
    return this.#ask(({ askProtection }) => askProtection(this.host, keyFile, offerKeychain))
  }

  /**
   * Shows that something goes on while `work` runs that may take long; what `copying` reports is shown with
   * it.
   */
  busy<T>(phase: Progress['phase'], work: () => Promise<T>): Promise<T> {
    return this.#bar.during({ phase }, work)
  }

  /** A command line for this database and its key, as the options of this run named them. */
  commandLine(...words: string[]): string {
    return commandLine(words, this.options)
  }

  /**
   * Notes in a sentence what was changed, for an error that comes after it; undefined where nothing was.
   * `complete` means that the command has nothing else to do, so that it must not be run again.
   */
  did(what: string | undefined, complete = true): void {
    if (what === undefined) return
    this.#done.push(what)
    this.complete ||= complete
  }

  /** What was changed so far. */
  get done(): readonly string[] {
    return this.#done
  }

  /** Prepares the printing of a result; a field that does not exist is refused here, before any work. */
  printer<T>(view: View<T>): Print<T> {
    const print = createPrinter(this.format, view, this.#outputOptions)
    return async (result) => {
      this.did(view.done?.(result))
      this.#bar.clear()
      await print(result)
    }
  }

  /** Prepares the printing of rows that come in pages. */
  listPrinter(view: View<Row[]>): Print<AsyncIterable<Row[]>> {
    const print = createListPrinter(this.format, view, this.#outputOptions)
    return async (pages) => {
      this.#bar.clear()
      await print(pages)
    }
  }

  get #outputOptions(): OutputOptions {
    const { host, options } = this
    const fields = options.fields?.split(',').map((field) => field.trim())
    return { stream: host.stdout, style: createStyle(host.stdout, options.color, host.env), fields }
  }

  /** Writes a piece of the output; false when nobody reads it any more. */
  async write(piece: string | Uint8Array): Promise<boolean> {
    this.#bar.clear()
    await write(this.host.stdout, piece)
    return !hasNoReader(this.host.stdout)
  }

  /**
   * Tells the person something on stderr, once. Beside machine formats it is held back and becomes part of
   * the last lines.
   */
  warn(message: string, hint?: Hint): void {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    if (hint === undefined) this.#say('warning', message)
    else this.#coming.push(this.hint(hint).then((words) => this.#say('warning', `${message}; ${words}`)))
  }

  /** What to do next, in words with the commands and options of this run. */
  async hint(hint: Hint): Promise<string> {
    const { sayHint } = await import('./hints.ts')
    return sayHint(hint, this.run)
  }

  get #namedPath(): string | undefined {
    try {
      return this.path
    } catch {
      return undefined // which is the error that the hint is for
    }
  }

  /** Resolves to whether there is a backup of a database, and whether the key of this run opens it. */
  async #backupOf(
    path: string | undefined,
    folder: string | undefined,
  ): Promise<'none' | 'current' | 'other'> {
    if (path === undefined) return 'none'
    const { newestBackup } = await import('../core/backup/own-backups.ts')
    const options = { ...this.database, path, folder, now: this.host.now }
    return (await newestBackup(options).catch(() => null))?.opens_with ?? 'none'
  }

  /** This run, for hints. */
  get run(): Run {
    const { options, host } = this
    return {
      argv: this.#argv,
      command: this.#command,
      options,
      path: this.#namedPath,
      env: host.env,
      backupOf: (path, folder) => this.#backupOf(path ?? this.#namedPath, folder),
    }
  }

  /** Prints what happened or what comes next, on one line. */
  notice(message: string): void {
    if (!this.machineReadable) this.#say('', message)
  }

  /** Tells how something is done, for those who asked with --verbose. */
  detail(message: string): void {
    if (this.options.verbose) this.#line(safeLine(message))
  }

  get machineReadable(): boolean {
    return this.format === 'json' || this.format === 'ndjson'
  }

  /** Says what was held back; after a failure the warnings are part of the error instead. */
  async finish(worked = true): Promise<void> {
    await Promise.all(this.#coming)
    this.#bar.clear()
    if (this.options.timing) await this.#writeTimingSummary()
    if (!worked) return
    for (const message of this.takeHeld())
      await tell(this.host.stderr, `${jsonText({ warning: { message } })}\n`)
  }

  takeHeld(): string[] {
    return this.#held.splice(0)
  }

  #say(kind: string, message: string): void {
    if (this.options.quiet) return
    if (this.machineReadable) this.#held.push(message)
    else {
      const style = createStyle(this.host.stderr, this.options.color, this.host.env)
      this.#line(`${kind && `${style.caution(kind)}: `}${safeLine(message)}`)
    }
  }

  #line(text: string): void {
    this.#bar.clear()
    this.host.stderr.write(`${text}\n`)
  }

  /**
   * Nothing was named: the keychain may know the file. That there is none is only told when nobody can be
   * asked.
   */
  async #sourceOfUnnamed(salt: Buffer | undefined): Promise<KeySource> {
    let problem = 'there is no keychain'
    try {
      const { hasKeychain } = await import('../core/keys/keychain.ts')
      if (salt && (await hasKeychain(this.host.env))) {
        const key = await readKeychain({ warn: () => {}, keychain: await this.keychain(), salt })
        if (key) {
          this.#keys.set(salt.toString('hex'), Promise.resolve([key]))
          return { kind: 'keychain' }
        }
        problem = 'the keychain has none for it'
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      problem = error.message
    }
    if (this.hasPerson) return { kind: 'prompt' }
    throw noKeyError(problem)
  }

  /** Reads a key from a source, whatever was named. */
  async readKeys(source: KeySource, salt?: Buffer, path?: string): Promise<Key[]> {
    const { host } = this
    if (this.options.verbose) this.detail(`database: ${path ?? this.path}`)
    this.detail(`key: ${describeKeySource(source)}`)
    return readKeys(source, {
      env: host.env,
      salt,
      keychain: source.kind === 'keychain' ? await this.keychain() : undefined,
      readStdin: () => readAll(host, LARGEST_KEY),
      ask: async () => {
        this.requirePerson('the key is needed', 'name it with --key-file <path> or --key-command <cmd>')
        return this.#ask(({ askPassphrase }) => askPassphrase(host, path ?? this.path))
      },
      warn: (message) => this.warn(message),
      commandMessages: this.machineReadable ? 'ignore' : 'inherit',
    })
  }

  #onStatement(timing: StatementTiming): void {
    this.#timings.push(timing)
    const sql = safeLine(timing.sql.replace(/\s+/g, ' ').trim())
    this.#line(
      `${timing.milliseconds.toFixed(2).padStart(9)} ms  ${String(timing.rows).padStart(6)} rows  ${sql}`,
    )
  }

  async #writeTimingSummary(): Promise<void> {
    const total = this.#timings.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
    await tell(
      this.host.stderr,
      `${total.toFixed(2).padStart(9)} ms  in ${this.#timings.length} statements\n`,
    )
  }
}

function emptyVariable(): AppError {
  return new AppError('USAGE', 'the path of the database is empty: LIBREOLLAMA_DB is set to nothing', {
    hint: 'unset LIBREOLLAMA_DB for the default path, or name a path with --db <path>',
  })
}

function chooseFormat(options: GlobalOptions): Format {
  const named = new Set<Format>(FORMATS.filter((format) => format !== 'table' && options[format]))
  if (options.output) named.add(options.output)
  if (named.size > 1) {
    throw new AppError('USAGE', `two output formats at once: ${[...named].join(' and ')}`, {
      hint: 'keep one of them',
    })
  }
  return [...named][0] ?? 'table'
}
