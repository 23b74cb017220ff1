import { cpSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { countMessages, json } from '../helpers/chats.ts'
import { fixture, keyFile, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, run } from '../helpers/run.ts'

const PLAIN = Buffer.from('SQLite format 3\0')
const isPlain = (path: string) => readFileSync(path).subarray(0, 16).equals(PLAIN)

test('a plaintext file becomes an encrypted one in its place; the plaintext is kept beside it', async () => {
  const db = fixture('phase21-v1-plaintext.db')
  const words = ['--db', db, '--key-file', keyFile('a good passphrase')]
  const { code, stdout, stderr } = await run(['encrypt', ...words, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stderr).warning.message).toContain('LibreOllama itself opens only plaintext')
  const { plaintext, counts, key_file } = JSON.parse(stdout)
  expect({ counts, key_file }).toMatchObject({ counts: { chat_messages: 226 }, key_file: null })
  expect(isPlain(plaintext)).toBe(true)
  expect(isPlain(db)).toBe(false)
  expect(statSync(db).mode & 0o777).toBe(0o600)
  expect(await countMessages(words)).toBe(226)
  expect((await run(['health', ...words])).code).toBe(0)
  expect(readdirSync(dirname(db)).filter((name) => /\.(new|old)$|-(wal|shm|journal)$/.test(name))).toEqual([])
})

test("LibreOllama's own file goes to a new place, with a key that is generated, and stays where it is", async () => {
  const from = fixture('app-v14-plaintext.db')
  const before = readFileSync(from)
  const folder = temporaryFolder()
  const [db, key] = [join(folder, 'c.db'), join(folder, 'k')]
  const report = await json(['encrypt', '--from', from, '--db', db, '--key-file', key, '--generate-key'])
  expect(report).toMatchObject({ path: db, plaintext: from, key_file: key, schema_version: 14 })
  expect(readFileSync(from).equals(before)).toBe(true)
  const diagnosis = await json(['diagnose', '--db', db, '--key-file', key])
  expect(diagnosis.cause).toBe('ok')
})

test.each([
  ['in its place', []],
  ['from elsewhere', ['--from']],
])('--remove-plaintext removes it %s, and nothing of it is left in a file', async (_where, option) => {
  const plain = fixture('phase21-v1-plaintext.db')
  const folder = dirname(plain)
  const db = option.length ? join(folder, 'c.db') : plain
  const from = option.length ? ['--from', plain] : []
  const key = keyFile('k')
  const report = await json(['encrypt', ...from, '--db', db, '--key-file', key, '--remove-plaintext'])
  expect(report.plaintext).toBeNull()
  expect(readdirSync(folder).map((name) => isPlain(join(folder, name)))).toEqual([false])
  expect(await countMessages(['--db', db, '--key-file', key])).toBe(226)
})

test.each([
  ['it is encrypted already', () => fixture('phase21-passphrase.sqlcipher4.db'), [], 6],
  ['there is no file', () => join(temporaryFolder(), 'none.db'), [], 10],
  ['it is empty', () => fixture('empty.db'), [], 10],
  ['it is no database', () => fixture('not-a-database.db'), [], 12],
  [
    'the target exists',
    () => fixture('phase21-v1-plaintext.db'),
    ['--db', fixture('drifted.sqlcipher4.db')],
    6,
  ],
  ['the target is a symbolic link', () => fixture('phase21-v1-plaintext.db'), ['--db', danglingLink()], 6],
] as const)('nothing is touched when %s', async (_case, make, target, exit) => {
  const path = make()
  const folder = dirname(path)
  const before = snapshot(folder)
  const words = target.length ? ['--from', path, ...target] : ['--db', path]
  expect(errorOf(await run(['encrypt', ...words, '--key-file', keyFile('k'), '--json'])).exit).toBe(exit)
  const made = join(temporaryFolder(), 'made')
  await run(['encrypt', ...words, '--key-file', made, '--generate-key', '--json'])
  expect(existsSync(made)).toBe(false)
  expect(snapshot(folder)).toEqual(before)
})

function danglingLink(): string {
  const path = join(temporaryFolder(), 'link')
  symlinkSync('/nowhere/at/all', path)
  return path
}

test('without a key and without a terminal it is exit 2', async () => {
  expect(errorOf(await run(['encrypt', '--db', fixture('phase21-v1-plaintext.db'), '--json'])).exit).toBe(2)
})

test('a SQLCipher 3 file becomes format 4 under the same passphrase; the old one is kept', async () => {
  const db = fixture('phase21-passphrase.sqlcipher3.db')
  const original = readFileSync(db)
  const words = ['--db', db, '--key-file', keyFile()]
  expect(errorOf(await run(['stats', ...words, '--json'])).hint).toContain('libreollama-db upgrade')
  const report = await json(['upgrade', ...words])
  expect(report.changed).toBe(true)
  expect(readFileSync(report.previous).equals(original)).toBe(true)
  expect(await countMessages(words)).toBe(226)
  expect((await run(['health', ...words])).code).toBe(0)
  expect(await json(['upgrade', ...words])).toMatchObject({ changed: false, previous: null })
})

test.each([
  ['the key is wrong', 'phase21-passphrase.sqlcipher3.db', 'wrong', 12],
  ['it is plaintext', 'phase21-v1-plaintext.db', undefined, 14],
  ['it is no database', 'not-a-database.db', undefined, 12],
])('upgrade touches nothing when %s', async (_case, name, key, exit) => {
  const db = fixture(name)
  const before = snapshot(dirname(db))
  const words = ['upgrade', '--db', db, '--key-file', keyFile(key), '--json']
  expect(errorOf(await run(words)).exit).toBe(exit)
  expect(snapshot(dirname(db))).toEqual(before)
})

test('what waits in the -wal of a plaintext file is encrypted with it', async () => {
  const plain = fixture('phase21-v1-plaintext.db')
  const { default: sqlcipher } = await import('@journeyapps/sqlcipher')
  const handle = new sqlcipher.Database(plain)
  const exec = (sql: string) => new Promise((resolve) => handle.exec(sql, resolve))
  await exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
  await exec("INSERT INTO settings (key, value) VALUES ('late', '1')")
  const copy = join(temporaryFolder(), 'c.db')
  for (const suffix of ['', '-wal']) cpSync(plain + suffix, copy + suffix)
  await new Promise((resolve) => handle.close(resolve))
  const words = ['--db', copy, '--key-file', keyFile('k')]
  await json(['encrypt', ...words])
  expect(await json(['setting', 'get', 'late', ...words])).toMatchObject({ value: '1' })
})
