import { copyFileSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FORMATS } from '../../src/cli/output/index.ts'
import { OUTCOMES } from '../../src/core/errors.ts'
import { commandNames } from '../helpers/commands.ts'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { durable, fixture, keyFile, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { databaseOfOther } from '../helpers/other-cipher.ts'

/** Arguments with which each command does its work on a sound database; `new` is a path that nothing has. */
const CASES: Record<string, (at: Place) => string[]> = {
  init: () => [],
  'migrate up': () => [],
  'migrate down': () => ['--to', '1', '--yes'],
  'migrate redo': () => ['--yes'],
  'migrate status': () => [],
  'migrate version': () => [],
  stats: () => [],
  'verify-schema': () => [],
  health: () => [],
  diagnose: () => [],
  rekey: ({ fresh }) => ['--new-key-file', fresh, '--generate-key'],
  'key status': () => [],
  'key test': () => [],
  'key generate': () => [],
  'key store': () => [],
  'key forget': () => ['--yes'],
  'key export': () => ['--paper'],
  'key import': ({ fresh }) => [fresh],
  'backup create': () => [],
  'backup list': () => [],
  'backup verify': () => ['latest'],
  'backup prune': () => ['--keep-last', '1', '--yes'],
  restore: () => ['latest'],
  encrypt: () => [],
  upgrade: () => [],
  ...Object.fromEntries(
    ['session', 'message', 'agent', 'setting', 'execution'].flatMap((name) => [
      [`${name} list`, () => []],
      [`${name} get`, () => ['x']],
      [`${name} update`, () => ['x', ...CHANGE[name as keyof typeof CHANGE]]],
      [`${name} delete`, () => ['x', '--yes']],
    ]),
  ),
  'session create': () => ['--title', 'x'],
  'session archive': () => ['x'],
  'session unarchive': () => ['x'],
  'session prune': () => ['--before', '1d', '--yes'],
  'message create': () => ['--session', 'x', '--role', 'user', '--content', 'x'],
  'agent create': () => ['--name', 'x', '--model', 'x'],
  'agent activate': () => ['x'],
  'agent deactivate': () => ['x'],
  'setting create': () => ['--key', 'x', '--value', 'x'],
  'setting set': () => ['x', 'y'],
  'execution create': () => ['--agent', 'x', '--input', 'x'],
  'execution start': () => ['--agent', 'x', '--input', 'x'],
  'execution complete': () => ['x', '--result', 'x'],
  'execution fail': () => ['x', '--error', 'x'],
  'execution cancel': () => ['x'],
  search: () => ['bread'],
  query: () => ['SELECT 1'],
  import: ({ fresh }) => [fresh],
  export: () => [],
}

const CHANGE = {
  session: ['--title', 'x'],
  message: ['--content', 'x'],
  agent: ['--name', 'x'],
  setting: ['--value', 'x'],
  execution: ['--result', 'x'],
}

/** Commands that touch no database. */
const APART = ['path', 'exit-codes', 'help']

interface Place {
  folder: string
  db: string
  key: string
  fresh: string
}

let sound = ''
let old = ''
beforeAll(async () => {
  sound = await makeDatabase()
  // Under a raw key, which takes no time to derive.
  old = await databaseOfOther('PRAGMA cipher_compatibility = 3', { key: RAW_KEY })
})

function place(prepare: (at: Place) => void, key = RAW_KEY): Place {
  const folder = temporaryFolder()
  const at = { folder, db: join(folder, 'c.db'), key: keyFile(key, folder), fresh: join(folder, 'fresh') }
  prepare(at)
  return at
}

const copied = (from: () => string, key?: string) => () => place(({ db }) => copyFileSync(from(), db), key)
const onSound = (change: (at: Place) => void, key?: string) => () =>
  place((at) => {
    copyFileSync(sound, at.db)
    change(at)
  }, key)

interface Cause {
  make: () => Place
  /** The code that says so. */
  code: string
  /** The outcomes of commands that need not meet it, or make something of it: a code, or an exit code. */
  others: Record<string, string | number>
}

/** They look at backups, keys or arguments, and not at the database. */
const APART_FROM_IT = {
  'backup list': 0,
  'backup prune': 0,
  'key generate': 'KEY_SOURCE',
  'key import': 'USAGE',
  import: 'USAGE',
}
/** They look at its first bytes only. */
const BY_ITS_SALT = { 'key store': 'KEY_SOURCE', 'key forget': 'KEY_SOURCE' }
const ASKS_BACKUPS = { 'backup verify': 'NO_DATABASE', restore: 'NO_DATABASE' }

/** What is wrong with a database. */
const CAUSES: Record<string, Cause> = {
  'no database': {
    make: () => place(() => {}),
    code: 'NO_DATABASE',
    others: { ...APART_FROM_IT, init: 0, diagnose: 3 },
  },
  'a wrong key': {
    make: onSound(() => {}, `x'${'00'.repeat(32)}'`),
    code: 'WRONG_KEY',
    others: {
      ...APART_FROM_IT,
      ...ASKS_BACKUPS,
      ...BY_ITS_SALT,
      'key store': 'WRONG_KEY',
      encrypt: 'INVALID',
      diagnose: 3,
      'key status': 3,
    },
  },
  'no key file': {
    make: onSound((at) => {
      at.key = join(at.folder, 'none')
    }),
    code: 'KEY_SOURCE',
    others: { ...APART_FROM_IT, ...ASKS_BACKUPS, 'key generate': 0, encrypt: 'INVALID' },
  },
  'an empty key file': {
    make: onSound(() => {}, ''),
    code: 'KEY_SOURCE',
    others: { ...APART_FROM_IT, ...ASKS_BACKUPS, encrypt: 'INVALID' },
  },
  'a plaintext file': {
    make: copied(() => fixture('phase21-v1-plaintext.db')),
    code: 'NOT_ENCRYPTED',
    others: {
      ...APART_FROM_IT,
      ...ASKS_BACKUPS,
      ...BY_ITS_SALT,
      'key store': 'NOT_ENCRYPTED',
      encrypt: 0,
      diagnose: 3,
      'key status': 3,
    },
  },
  'an older format': {
    make: copied(() => old),
    code: 'NOT_ENCRYPTED',
    others: {
      ...APART_FROM_IT,
      ...ASKS_BACKUPS,
      ...BY_ITS_SALT,
      'key store': 'NOT_ENCRYPTED',
      encrypt: 'INVALID',
      upgrade: 0,
      diagnose: 3,
      'key status': 3,
    },
  },
  'a file cut short': {
    make: onSound(({ db }) => truncateSync(db, 3 * 4096 + 100)),
    code: 'CORRUPT',
    others: {
      ...APART_FROM_IT,
      ...ASKS_BACKUPS,
      ...BY_ITS_SALT,
      'key store': 'CORRUPT',
      encrypt: 'INVALID',
      diagnose: 3,
      health: 3,
      'key status': 3,
    },
  },
  'an empty file': {
    make: () => place(({ db }) => writeFileSync(db, '')),
    code: 'NO_DATABASE',
    others: { ...APART_FROM_IT, diagnose: 3 },
  },
  'a text file': {
    make: () => place(({ db }) => writeFileSync(db, 'notes')),
    code: 'WRONG_KEY',
    others: {
      ...APART_FROM_IT,
      ...ASKS_BACKUPS,
      'key status': 'NO_DATABASE',
      'key forget': 'NO_DATABASE',
      diagnose: 3,
    },
  },
  'a folder': {
    make: () => place(({ db }) => mkdirSync(db)),
    code: 'NO_DATABASE',
    others: { ...APART_FROM_IT, diagnose: 3 },
  },
  'a path below a file': {
    make: () =>
      place((at) => {
        writeFileSync(at.db, 'notes')
        at.db = join(at.db, 'below.db')
      }),
    code: 'IO',
    others: { 'key generate': 'KEY_SOURCE', 'key import': 'USAGE', import: 'USAGE' },
  },
}

test('no command is forgotten here', async () => {
  expect([...Object.keys(CASES), ...APART].sort()).toEqual((await commandNames()).sort())
})

/** The files of a folder; an empty -wal, which SQLite leaves where it cannot read the database, is nothing. */
const filesIn = (folder: string) =>
  Object.fromEntries(
    Object.entries(durable(folder)).filter(
      ([name]) => !name.endsWith('-wal') || statSync(join(folder, name)).size > 0,
    ),
  )

/** Every way in which a failed run may speak, for people and for programs. */
function expectFailure(result: Awaited<ReturnType<typeof runHere>>, format: string): string {
  const { code, stdout, stderr } = result
  expect(stdout).toBe('')
  expect(stderr).not.toContain('\x1b')
  expect(stderr).not.toMatch(/this is a defect|undefined|\[object|NaN/)
  const isJson = format === 'json' || format === 'ndjson'
  const lines = stderr.trimEnd().split('\n')
  if (isJson) expect(lines).toHaveLength(1)
  else expect(stderr).toMatch(/error: [^\n]+ \[[A-Z_]+\]\n {2}→ \S[^\n]*\n$/)
  const name = isJson ? JSON.parse(stderr).error.code : /\[([A-Z_]+)\]\n/.exec(stderr)?.[1]
  if (isJson) {
    expect(Object.keys(JSON.parse(stderr).error)).toEqual(['code', 'exit', 'message', 'hint'])
    expect(JSON.parse(stderr).error.exit).toBe(code)
  }
  expect(OUTCOMES.find((outcome) => outcome.code === name)?.exit).toBe(code)
  return name
}

const commands = Object.keys(CASES)

describe.each(Object.entries(CAUSES))('%s', (_cause, { make, code, others }) => {
  test.each(commands.map((command, index) => [command, index] as const))('%s', async (command, index) => {
    // Every format meets every situation, and every command every situation.
    const format = FORMATS[index % FORMATS.length] as string
    const at = make()
    const before = filesIn(at.folder)
    const given = ['--db', at.db, '--key-file', at.key, '--lock-timeout', '0', '-o', format]
    const result = await runHere([...command.split(' '), ...(CASES[command]?.(at) ?? []), ...given])
    const expected = others[command] ?? code
    if (typeof expected === 'number') expect(result.code).toBe(expected)
    else {
      expect(expectFailure(result, format)).toBe(expected)
      expect(filesIn(at.folder)).toEqual(before)
    }
  })
})
