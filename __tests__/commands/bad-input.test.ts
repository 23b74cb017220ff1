import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inTransaction, withDatabase } from '../../src/core/database/database.ts'
import { parseKey } from '../../src/core/keys/key.ts'
import { fixture, keyFile, newDatabase, PASSPHRASE, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, run } from '../helpers/run.ts'

const READING = ['stats', 'verify-schema', 'health', 'migrate status', 'migrate'].map((words) =>
  words.split(' '),
)

test.each([
  ['a missing file', (path: string) => expect(existsSync(path)).toBe(false), 10, 'missing'],
  ['a folder', (path: string) => mkdirSync(path), 10, 'not_a_database'],
  ['a FIFO', (path: string) => spawnSync('mkfifo', [path]), 10, 'not_a_database'],
  ['an empty file', (path: string) => writeFileSync(path, ''), 10, 'empty'],
  ['a text of a few bytes', (path: string) => writeFileSync(path, 'hello'), 12, 'not_a_database'],
  ['a long text', (path: string) => writeFileSync(path, 'lorem ipsum '.repeat(2000)), 12, 'not_a_database'],
] as const)('%s is refused in plain words and stays as it was', async (_case, make, exit, cause) => {
  const folder = temporaryFolder()
  const path = join(folder, 'a.db')
  make(path)
  const before = snapshot(folder)
  for (const command of READING) {
    expect(errorOf(await run([...command, '--db', path, '--key-command', 'echo k', '--json'])).exit).toBe(
      exit,
    )
  }
  const diagnosis = await run(['diagnose', path, '--key-command', 'echo k', '--json'])
  expect(diagnosis.code).toBe(3)
  expect(JSON.parse(diagnosis.stdout).cause).toBe(cause)
  expect(snapshot(folder)).toEqual(before)
})

test('a file that ends at a page boundary too early is damaged, not a wrong key', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  truncateSync(db, 27 * 4096)
  const words = ['--db', db, '--key-file', keyFile(), '--json']
  expect(errorOf(await run(['stats', ...words]))).toMatchObject({
    exit: 15,
    message: expect.stringContaining('after page 27'),
  })
  expect(JSON.parse((await run(['diagnose', ...words])).stdout)).toMatchObject({
    cause: 'damaged',
    pages: [28],
  })
})

test('a first page of zeros is damage, not a wrong key', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const { readFileSync } = await import('node:fs')
  const content = readFileSync(db)
  writeFileSync(db, content.fill(0, 0, 4096))
  const { stdout } = await run(['diagnose', db, '--key-file', keyFile(), '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ cause: 'damaged', pages: [1] })
})

test.each([
  ['stats', 11],
  ['health', 11],
  ['migrate down --to 0', 11],
])('a database that another process locks past --lock-timeout: %s', async (command, exit) => {
  const db = fixture('phase21-passphrase.sqlcipher4.db') // in rollback-journal mode, where a writer locks out readers
  const holder = spawnHolder(db)
  await holder.ready
  const before = snapshot(dirname(db))
  const words = [
    ...command.split(' '),
    '--db',
    db,
    '--key-file',
    keyFile(),
    '--lock-timeout',
    '0.3',
    '--json',
  ]
  expect(errorOf(await run(words))).toMatchObject({
    exit,
    code: 'LOCKED',
    hint: expect.stringContaining('--lock-timeout'),
  })
  expect(snapshot(dirname(db))).toEqual(before)
  await holder.end()
  expect((await run(['stats', '--db', db, '--key-file', keyFile()])).code).toBe(0)
})

/** Another process that holds an exclusive lock until it is told to end. */
function spawnHolder(db: string) {
  const program = `
    const { Database } = require('@journeyapps/sqlcipher')
    const { pbkdf2Sync } = require('node:crypto')
    const { readFileSync } = require('node:fs')
    const key = pbkdf2Sync(${JSON.stringify(PASSPHRASE)}, readFileSync(process.argv[1]).subarray(0, 16), 256000, 32, 'sha512')
    const db = new Database(process.argv[1])
    db.exec('PRAGMA key = "x\\'' + key.toString('hex') + '\\'"; BEGIN EXCLUSIVE', (error) => console.log(error ?? 'held'))
    process.stdin.on('data', () => db.exec('ROLLBACK', () => db.close(() => process.exit())))`
  const child = spawn(process.execPath, ['-e', program, db], { cwd: process.cwd() })
  return {
    ready: new Promise<void>((resolve, reject) =>
      child.stdout.once('data', (text: Buffer) =>
        String(text).includes('held') ? resolve() : reject(new Error(String(text))),
      ),
    ),
    end: () =>
      new Promise((resolve) => {
        child.once('close', resolve)
        child.stdin.write('end')
      }),
  }
}

test('a hot journal of a program that was killed does not hide the data', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  // The state in which a killed writer leaves a database in rollback-journal mode: half a transaction and its
  // journal.
  const program = `
    const { Database } = require('@journeyapps/sqlcipher')
    const { pbkdf2Sync } = require('node:crypto')
    const { readFileSync } = require('node:fs')
    const key = pbkdf2Sync(${JSON.stringify(PASSPHRASE)}, readFileSync(process.argv[1]).subarray(0, 16), 256000, 32, 'sha512')
    const db = new Database(process.argv[1])
    db.exec('PRAGMA key = "x\\'' + key.toString('hex') + '\\'"; PRAGMA cache_size = 2; BEGIN; UPDATE chat_messages SET content = content || hex(randomblob(900))',
      () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', program, db])
  expect(existsSync(`${db}-journal`)).toBe(true)
  const words = ['--db', db, '--key-file', keyFile(), '--json']
  const before = snapshot(dirname(db))
  expect(JSON.parse((await run(['health', ...words])).stdout)).toMatchObject({
    status: 'warn',
    checks: [{ name: 'open' }],
  })
  expect(JSON.parse((await run(['diagnose', ...words])).stdout)).toMatchObject({
    cause: 'ok',
    detail: expect.stringContaining('half a transaction'),
  })
  expect(snapshot(dirname(db))).toEqual(before)
  const wrong = await run(['stats', '--db', db, '--key-command', 'echo wrong', '--json'])
  expect(errorOf(wrong).code).toBe('WRONG_KEY')
  expect(snapshot(dirname(db))).toEqual(before)
  const result = await run(['stats', ...words])
  expect(result).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(result.stdout).total_messages).toBe(226)
  const after = JSON.parse((await run(['health', ...words])).stdout).checks
  expect(after).toContainEqual(expect.objectContaining({ name: 'structure', status: 'ok' }))
})

test.each([
  ['an unknown command', ['frobnicate'], "unknown command 'frobnicate'"],
  ['an unknown option', ['stats', '--frob'], "unknown option '--frob'"],
  ['a word too many', ['stats', 'more'], 'too many arguments'],
  ['a format that does not exist', ['stats', '-o', 'xml'], 'Allowed choices'],
  ['two formats', ['stats', '--csv'], 'two output formats'],
  ['a lock timeout that is none', ['stats', '--lock-timeout', 'soon'], 'number of seconds'],
  ['a negative lock timeout', ['stats', '--lock-timeout', '-1'], 'number of seconds'],
  ['an empty path', ['stats', '--db', ''], 'path of the database is empty'],
  ['an unknown field', ['stats', '--fields', 'total_messages,nope'], 'no field "nope"'],
  ['quick and full at once', ['health', '--quick', '--full'], 'cannot be used with'],
  ['no command', [], 'no command was given'],
  ['an unknown help topic', ['help', 'nothing'], 'no command or topic "nothing"'],
])('%s is a usage error', async (_case, words, message) => {
  const { words: flags } = await newDatabase()
  const error = errorOf(await run([...flags, '--json', ...words]))
  expect(error).toMatchObject({ code: 'USAGE', exit: 2, message: expect.stringContaining(message) })
})

test('--fields is checked before anything is made', async () => {
  const db = join(temporaryFolder(), 'a.db')
  const result = await run(['init', '--db', db, '--key-command', 'echo k', '--fields', 'nope', '--json'])
  expect(errorOf(result)).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('schema_version') })
  expect(existsSync(db)).toBe(false)
})

test('names and values from the database cannot steer the terminal', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const keys = async () => [parseKey(Buffer.from(PASSPHRASE), 'it')]
  await withDatabase({ path: db, keys, access: 'write' }, (open) =>
    open.exclusively((writer) =>
      inTransaction(writer, async () => {
        await writer.run(
          "UPDATE chat_messages SET model_name = char(27) || ']0;owned' || char(7) || char(8238) WHERE rowid = 1",
        )
        await writer.exec('CREATE TABLE "st\u001b[31mray" (a)')
      }),
    ),
  )
  const words = ['--db', db, '--key-file', keyFile()]
  for (const command of ['stats', 'verify-schema', 'health']) {
    const { stdout } = await run([command, ...words])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stdout).not.toMatch(/[\u001b\u0007\u202e]/)
  }
  expect((await run(['stats', ...words])).stdout).toContain('\\x1b]0;owned\\x07\\u202e')
})
