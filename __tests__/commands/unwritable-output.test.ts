import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { withDatabase } from '../../src/core/database/database.ts'
import { AppError } from '../../src/core/errors.ts'
import { parseKey } from '../../src/core/keys/key.ts'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { cleanEnvironment, PROGRAM } from '../helpers/run.ts'

async function database() {
  const db = await makeDatabase()
  return { db, words: ['--db', db, '--key-file', keyFile(RAW_KEY)] }
}

const insert = "INSERT INTO chat_sessions (id, title) VALUES ('s1', 't')"

/** What each command that changes something says when its result cannot be written. */
test.each<[command: string, words: string[], says: RegExp]>([
  ['session create', ['session', 'create', '--title', 'once'], /the session [0-9a-f-]{36} was made/],
  ['setting set', ['setting', 'set', 'theme', 'dark'], /the setting theme was changed/],
  ['setting delete', ['setting', 'delete', 'theme', '--yes'], /deleted: 1 setting/],
  ['query --write', ['query', '--write', insert], /the statement was run/],
  [
    'query --write --fields',
    ['query', '--write', insert, '--fields', 'no'],
    /no field.*the statement was run/,
  ],
  ['backup', ['backup'], /the backup \/.*\.db was made/],
  ['migrate down', ['migrate', 'down', '--to', '1'], /the database went from version 2 to 1/],
  ['search --rebuild', ['search', '--rebuild'], /the full-text index was made again/],
  ['key generate', ['key', 'generate', '--key-file', 'NEW'], /the key file \/.* was made/],
  ['key export --out', ['key', 'export', '--paper', '--out', 'NEW'], /the key sheet \/.* was written/],
  ['rekey', ['rekey', '--new-key-file', 'NEW', '--generate-key'], /has the new key; its key is in \//],
  ['export --out', ['export', '--out', 'NEW'], /the export \/.* was written/],
])('%s: what was done is part of the error', async (_command, command, says) => {
  const { words } = await database()
  const made = join(temporaryFolder(), 'made')
  const given = command.map((word) => (word === 'NEW' ? made : word))
  const all = given.includes('--key-file') ? [...given, ...words.slice(0, 2)] : [...given, ...words]
  const { code, stderr } = await runHere([...all, '--json'], { full: ['stdout'] })
  const { error } = JSON.parse(stderr)
  expect([code, error.exit]).toEqual(command.includes('no') ? [2, 2] : [18, 18])
  expect(error.message).toMatch(says)
  expect(error.hint).toMatch(/do not run the command again/)
})

test('a database and a key that were made are named when the result cannot be written', async () => {
  const folder = temporaryFolder()
  const [db, key] = [join(folder, 'a.db'), join(folder, 'key')]
  const words = ['init', '--db', db, '--key-file', key, '--generate-key']
  const { code, stderr } = await runHere(words, { full: ['stdout'] })
  expect(code).toBe(18)
  expect(stderr).toContain(`the database ${db} was made; its key is in ${key}`)
  expect(existsSync(db)).toBe(true)
})

test.each([
  'stats',
  'session list',
  'export',
  'health',
  'path',
  '--help',
  'backup prune --keep-last 1 --dry-run',
])('%s, which changes nothing, may be run again', async (command) => {
  const { words } = await database()
  const { code, stderr } = await runHere([...command.split(' '), ...words], { full: ['stdout'] })
  expect({ code, stderr }).toEqual({ code: 18, stderr: expect.stringContaining('run the command again') })
  expect(stderr).not.toMatch(/do not|at .*:\d+/)
})

test.each([
  ['a wrong key', ['stats'], keyFile('wrong'), 12],
  ['a usage error', ['stats', '--nosuch'], keyFile(RAW_KEY), 2],
  ['a missing record', ['session', 'get', 'none'], keyFile(RAW_KEY), 5],
  ['nothing wrong', ['stats', '--timing', '--verbose'], keyFile(RAW_KEY), 0],
])('with a full stderr the exit code tells the cause: %s', async (_case, command, key, exit) => {
  const db = await makeDatabase()
  for (const format of [[], ['--json']]) {
    const words = [...command, '--db', db, '--key-file', key, ...format]
    expect((await runHere(words, { full: ['stderr'] })).code).toBe(exit)
    const both = await runHere(words, { full: ['stdout', 'stderr'] })
    expect(both.code).toBe(exit === 0 ? 18 : exit)
  }
})

const testWithFullDevice = existsSync('/dev/full') ? test : test.skip

testWithFullDevice('a process of its own ends so as well, and says it once', async () => {
  const { words } = await database()
  const run = (redirect: string) =>
    spawnSync(
      '/bin/sh',
      [
        '-c',
        `"$0" "$@" ${redirect}`,
        process.execPath,
        PROGRAM,
        ...words,
        'session',
        'create',
        '--title',
        'x',
      ],
      {
        env: cleanEnvironment(),
        encoding: 'utf8',
      },
    )
  expect(run('>/dev/full')).toMatchObject({
    status: 18,
    stderr: expect.stringMatching(/was made[\s\S]*do not run/),
  })
  expect(run('2>/dev/full').status).toBe(0)
  expect(run('>/dev/full 2>/dev/full').status).toBe(18)
  expect(run('</dev/null 1</dev/null')).toMatchObject({
    status: 18,
    stderr: expect.stringContaining('EBADF'),
  })
  const list = execFileSync(process.execPath, [PROGRAM, ...words, 'session', 'list', '--json'], {
    env: cleanEnvironment(),
  })
  expect(JSON.parse(list.toString())).toHaveLength(4)
})

test('what was committed when a signal arrives is told, not called undone', async () => {
  const path = await makeDatabase()
  const controller = new AbortController()
  const options = {
    path,
    keys: async () => [parseKey(Buffer.from(RAW_KEY), 'it')],
    signal: controller.signal,
  }
  const changes = await withDatabase({ ...options, access: 'write' }, async (db) => {
    const made = await db.transaction((writer) => writer.run(insert))
    controller.abort(new AppError('SIGINT', 'interrupted', { hint: 'h' }))
    return made
  })
  expect(changes).toBe(1)
})
