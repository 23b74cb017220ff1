import { existsSync } from 'node:fs'
import { join, parse, resolve, sep } from 'node:path'
import { type Advice, type Hint, hintParts, type PathRole } from '../core/advice.ts'
import type { Environment } from '../core/environment.ts'
import { shellWord } from '../core/shell-word.ts'
import { commandLine, optionIn, type Place } from './command-line.ts'

/** The run that a hint is for. */
export interface Run {
  /** The words of its command line, as given. */
  argv: readonly string[]
  /** The first word that is a command. */
  command: string | undefined
  /** The global options that name the database and its key. */
  options: Place
  /** The path of that database, absolute; undefined when they name none. */
  path: string | undefined
  env: Environment
  /** Resolves to whether there is a backup of a database, and whether the key of the run opens it. */
  backupOf: (path: string | undefined, folder: string | undefined) => Promise<'none' | 'current' | 'other'>
}

/**
 * Returns a hint in words for a user at a command line. Its commands work as they are, in the folder of the
 * run: each has the options that were given, and ends its part of the hint.
 */
export async function sayHint(hint: Hint, run: Run): Promise<string> {
  const at = new Situation(run)
  const parts = hintParts(hint)
  const offered = parts.filter((part) => typeof part === 'string' || !at.isRunning(part))
  const words: string[] = []
  for (const part of offered.length > 0 ? offered : parts)
    words.push(typeof part === 'string' ? part : await say(part, at))
  return words.filter((one) => one !== '').join('; ')
}

/** Names commands and options in the context of a run. */
class Situation {
  readonly #run: Run

  constructor(run: Run) {
    this.#run = run
  }

  /** Returns a command for the database at `path`, or that of the run. */
  command(words: readonly string[], path?: string, more: Place = {}): string {
    const { options } = this.#run
    const place = this.isOther(path) ? { ...options, ...this.#sourceKey(), db: path } : options
    return commandLine(words, { ...place, ...more })
  }

  /** Returns the key of the source of an import, which is not that of the database. */
  #sourceKey(): Place {
    if (!this.isOf('import')) return {}
    return {
      keyFile: this.given('--source-key-file'),
      keyCommand: this.given('--source-key-command'),
      keychain: false,
      devKey: false,
    }
  }

  /** Returns true for another path than that of the database. */
  isOther(path: string | undefined): path is string {
    return path !== undefined && path !== this.#run.path
  }

  /** Resolves to whether there is a backup of the database at `path`, in the folder that the run names. */
  backupOf(path: string | undefined): Promise<'none' | 'current' | 'other'> {
    const folder = this.given('--dir')
    return this.#run.backupOf(path, folder === undefined ? undefined : resolve(folder))
  }

  /** Returns those of these options that the run has. */
  kept(...options: string[]): string[] {
    return options.filter((option) => this.has(option))
  }

  /** Returns the same command once more. */
  again(): string {
    return ['libreollama-db', ...this.#run.argv.map(shellWord)].join(' ')
  }

  /** Returns the value of an option of the run. */
  given(option: string): string | undefined {
    return optionIn(this.#run.argv, option)
  }

  /** Returns true when the run is one of these commands. */
  isOf(...commands: string[]): boolean {
    return commands.includes(this.#run.command ?? '')
  }

  /** Returns true when the run has an option. */
  has(option: string): boolean {
    return this.#run.argv.includes(option)
  }

  /** Returns true for a step that is the command of the run itself. */
  isRunning({ step }: Advice): boolean {
    const command = COMMANDS[step]
    return command !== undefined && this.isOf(command)
  }

  /** True when the given key file does not exist. */
  get lacksKeyFile(): boolean {
    const keyFile = this.#run.options.keyFile ?? this.#run.env.LIBREOLLAMA_DB_KEY_FILE
    return keyFile !== undefined && keyFile !== '-' && !existsSync(keyFile)
  }

  /** Returns the options of the run for the encryption settings of a file. */
  cipherOptions(): string[] {
    const { argv } = this.#run
    return argv.flatMap((word, index) => {
      if (!word.startsWith('--cipher-')) return []
      return word.includes('=') ? [word] : [word, argv[index + 1] ?? '']
    })
  }

  /**
   * Returns the option that named a path, or one above or below it; undefined when none did, or a plain
   * argument.
   */
  optionFor(given: string | undefined, role: PathRole | undefined): string | undefined {
    if (role === 'database') return this.#databaseOption()
    if (role !== undefined) return OPTIONS[role]
    if (given === undefined) return undefined
    const path = resolve(given)
    const named = this.#run.argv.map((word, index) => {
      const [option, value] = /^(--[\w-]+)=(.*)$/s.exec(word)?.slice(1) ?? [this.#run.argv[index - 1], word]
      return { option: option?.startsWith('--') ? option : undefined, value: resolve(value ?? '') }
    })
    const exact = named.find(({ value }) => value === path)
    const options = named.filter(({ option }) => option)
    const found =
      exact ??
      options.find(({ value }) => isBelow(path, value)) ??
      options.find(({ value }) => isBelow(value, path))
    if (found) return found.option
    const { LIBREOLLAMA_DB_KEY_FILE: variable } = this.#run.env
    if (variable !== undefined && resolve(variable) === path) return 'LIBREOLLAMA_DB_KEY_FILE'
    return path === this.#run.path ? this.#databaseOption() : undefined
  }

  #databaseOption(): string | undefined {
    const isVariable = this.#run.options.db === undefined && this.#run.env.LIBREOLLAMA_DB
    return isVariable ? 'LIBREOLLAMA_DB' : '--db'
  }
}

const isBelow = (path: string, place: string) =>
  path.startsWith(place + sep) || path === `${place}-wal` || path === `${place}-journal`

/** The option for each role of a path. */
const OPTIONS: Record<Exclude<PathRole, 'database'>, string> = {
  key_file: '--key-file',
  new_key_file: '--new-key-file',
  backup_folder: '--dir',
  restored_database: '--to',
  output: '--out',
  reject_file: '--reject-file',
  source: '',
}

/** The options that stand for a variable. */
const VARIABLES: Record<string, string> = {
  LIBREOLLAMA_DB: '--db',
  LIBREOLLAMA_DB_KEY_FILE: '--key-file',
}

/** The command of each step that a run of the same command must not suggest again. */
const COMMANDS: Partial<Record<Advice['step'], string>> = {
  check_health: 'health',
  diagnose: 'diagnose',
  compare_schema: 'verify-schema',
  encrypt: 'encrypt',
  upgrade: 'upgrade',
  make_database: 'init',
  salvage: 'diagnose',
}

/** What a step is in words, for the run. */
type Words = string | Promise<string>

type Sayings = {
  [Step in Advice['step']]: (advice: Extract<Advice, { step: Step }>, at: Situation) => Words
}

const say = <Step extends Advice['step']>(advice: Extract<Advice, { step: Step }>, at: Situation): Words =>
  (SAYINGS[advice.step] as (advice: Extract<Advice, { step: Step }>, at: Situation) => Words)(advice, at)

const SAYINGS: Sayings = {
  add_tables: () => 'add --add-tables to make the tables of chats beside them, after a copy',
  allow_write: () => 'add --write if it is meant to change it',
  check_health: ({ path, about }, at) => `${about}: ${at.command(['health', '--full'], path)}`,
  check_path: ({ path, role }, at) => {
    const option = at.optionFor(path, role)
    if (option?.startsWith('LIBREOLLAMA_')) return `check the path in ${option}`
    return option ? `check the path given with ${option}` : 'check the path'
  },
  choose_path: ({ path, role, about = 'another file', example }, at) => {
    const option = at.optionFor(path, role) || undefined
    const database = VARIABLES[option ?? ''] ?? option
    if (database === undefined)
      return example === undefined ? `name ${about}` : `name ${about}: ${shellWord(example)}`
    return example === undefined
      ? `name ${about} with ${database} <path>`
      : `name ${about}: ${database} ${shellWord(example)}`
  },
  compare_schema: (_advice, at) =>
    `see what differs, and the SQL that repairs it: ${at.command(['verify-schema'])}`,
  create_record: ({ entity }) => `create one: libreollama-db ${entity} create --help`,
  diagnose: ({ path, about, newKey }, at) =>
    `${about}: ${at.command(['diagnose'], path, newKey ? newKeyOf(at) : {})}`,
  encrypt: ({ from }, at) => {
    const words = ['encrypt', '--from', from, ...(at.lacksKeyFile ? ['--generate-key'] : [])]
    return `make an encrypted copy: ${at.command(words, freeName(from, '-encrypted'))}`
  },
  explain_fields: ({ entity }) => `see what can be changed: libreollama-db ${entity} update --help`,
  explain_keys: () => 'see which key is used, and when: libreollama-db help key-sources',
  explain_query: () => 'see what a query can do: libreollama-db query --help',
  find_formats: ({ formats }) =>
    formats
      ? `name the format with --from, one of: ${formats.join(', ')}`
      : 'leave out --from: the format is detected from the content',
  generate_key: (_advice, at) => (at.isOf('init', 'encrypt') ? 'add --generate-key to make one' : ''),
  get_record: ({ entity, id }, at) => `look at it: ${at.command([entity, 'get', id])}`,
  give_value: ({ option, example }) => `such as: ${option ? `--${option} ${shellWord(example)}` : example}`,
  list_backups: ({ folder, all }, at) => {
    const options = [...(all ? ['--all-databases'] : []), ...(folder ? ['--dir', folder] : [])]
    return `list the backups, to name one by its path: ${at.command(['backup', 'list', ...options])}`
  },
  list_records: ({ entity }, at) => `list those that there are: ${at.command([entity, 'list'])}`,
  make_database: ({ path }, at) => {
    if (at.isOther(path)) return ''
    return `make one: ${at.command(['init', ...(at.lacksKeyFile ? ['--generate-key'] : [])])}`
  },
  migrate: ({ direction = 'up', to }, at) => {
    const options = at.isOf('migrate') ? at.kept('--dry-run', '--rehearse', '--sql', '--no-backup') : []
    const target = to === undefined ? [] : ['--to', String(to)]
    return `migrate it: ${at.command(['migrate', direction, ...target, ...options])}`
  },
  migration_status: (_advice, at) => `see which migrations are applied: ${at.command(['migrate', 'status'])}`,
  name_key: () =>
    'name one with --key-file <path> or --key-command <cmd>; see: libreollama-db help key-sources',
  name_source_key: () => 'if it is an encrypted database, name its key with --source-key-file <path>',
  open_database: ({ about }, at) => `${about}: ${at.command(['stats'])}`,
  query_example: ({ sql, about }, at) => `${about}: ${at.command(['query', sql])}`,
  rebuild_index: ({ about }, at) => `${about}: ${at.command(['search', '--rebuild'])}`,
  rehearse: (_advice, at) => `correct the migration, then rehearse it again: ${at.again()}`,
  replace_other: () =>
    'restore it to a file of its own with --to <path>, or add --other-database to replace the one at this path',
  restore_backup: ({ backup }, at) => `bring the copy back: ${at.command(['restore', backup])}`,
  restore_latest: async ({ path }, at) => {
    // The damaged file is a backup that was named itself.
    if (at.isOther(path) && at.isOf('restore', 'backup'))
      return `name another backup: ${at.command(['backup', 'list'])}`
    const found = await at.backupOf(path)
    if (found === 'none') return 'keep the file: there is no backup of it in the folder for its backups'
    if (found === 'other')
      return 'the latest backup has the key that the database had then: restore latest with that key puts it in its place'
    const dir = at.given('--dir')
    const words = ['restore', 'latest', ...(dir === undefined ? [] : ['--dir', dir])]
    return `put the latest backup in its place, which keeps the damaged file: ${at.command(words, path)}`
  },
  salvage: ({ path, to }, at) =>
    `write what can still be read to a new folder: ${at.command(['diagnose', path, '--salvage', freeName(to)], undefined, {})}`,
  search_example: (_advice, at) => `name a word of letters or digits: ${at.command(['search', 'bread'])}`,
  search_words: () => 'leave out --fts to search for the words as they are',
  store_key: () =>
    'name its key with --key-file <path> or --key-command <cmd>; key store puts it into the keychain',
  upgrade: ({ path, plaintextHeader, salt }, at) => {
    const header = plaintextHeader === undefined ? [] : ['--cipher-plaintext-header', String(plaintextHeader)]
    const given = at.cipherOptions()
    if (header.length > 0 && salt === undefined) {
      return `say how long the header is, and name its salt, 32 hex digits: --cipher-plaintext-header ${plaintextHeader} --cipher-salt <hex>`
    }
    const options =
      given.length > 0 ? given : [...header, ...(salt === undefined ? [] : ['--cipher-salt', salt])]
    return `bring it into the current format: ${at.command(['upgrade', ...options], path)}`
  },
  use_keychain: (_advice, at) =>
    `make one with a new key: ${at.command(['init'], undefined, { keyFile: undefined, keyCommand: undefined, keychain: true })}`,
  verify_backups: ({ folder }, at) =>
    `see what is wrong with each: ${at.command(['backup', 'verify', '--all', ...(folder ? ['--dir', folder] : [])])}`,
  wait_longer: () => 'close the other program, or wait longer with --lock-timeout <seconds>',
}

/** Returns the new key of a rekey as the key that opens the database. */
function newKeyOf(at: Situation): Place {
  return {
    keyFile: at.given('--new-key-file'),
    keyCommand: at.given('--new-key-command'),
    keychain: at.has('--new-keychain'),
    devKey: false,
  }
}

/** Returns the first unused name of this form: `chats-encrypted.db`, `chats-encrypted-2.db`. */
function freeName(path: string, ending = ''): string {
  const { dir, name, ext } = parse(path)
  for (let number = 1; ; number++) {
    const free = join(dir, `${name}${ending}${number === 1 ? '' : `-${number}`}${ext}`)
    if (!existsSync(free)) return free
  }
}
