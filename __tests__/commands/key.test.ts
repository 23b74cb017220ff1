import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readKeySheet, writeKeySheet } from '../../src/core/keys/key-sheet.ts'
import { storeProven } from '../../src/core/keys/keychain.ts'
import { countMessages, databaseWithChats, json } from '../helpers/chats.ts'
import { fixture, keyFile, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, run } from '../helpers/run.ts'

test('status names the source, a fingerprint and whether it opens, and never the key', async () => {
  const { words, key } = await databaseWithChats()
  const status = await json(['key', 'status', ...words])
  expect(status).toMatchObject({
    source: `the file ${key}`,
    opens: true,
    keychain: 'unavailable',
    recovered: [],
  })
  expect(status.fingerprint).toMatch(/^[0-9a-f]{16}$/)
  expect(JSON.stringify(status)).not.toContain(readFileSync(key, 'utf8').slice(2, 20))
  const other = await run(['key', 'status', ...words.slice(0, 2), '--key-file', keyFile('wrong'), '--json'])
  expect(other.code).toBe(3)
  expect(JSON.parse(other.stdout).opens).toBe(false)
  expect(JSON.parse(other.stdout).fingerprint).not.toBe(status.fingerprint)
})

test('status of a development key, of which there are two readings, tells of the one that opens', async () => {
  for (const name of ['phase21-devkey-raw.sqlcipher4.db', 'phase21-devkey-text.sqlcipher4.db']) {
    expect(await json(['key', 'status', '--db', fixture(name), '--dev-key'])).toMatchObject({ opens: true })
  }
})

test('test is exit 0 with the right key, and says why not with another', async () => {
  const { words } = await databaseWithChats()
  expect(await json(['key', 'test', ...words])).toMatchObject({ opens: true })
  const wrong = await run(['key', 'test', ...words.slice(0, 2), '--key-file', keyFile('wrong'), '--json'])
  expect(errorOf(wrong).exit).toBe(12)
  const missing = await run(['key', 'test', '--db', '/none/c.db', '--key-file', keyFile(), '--json'])
  expect(errorOf(missing).exit).toBe(10)
})

test('generate makes a key file once', async () => {
  const path = join(temporaryFolder(), 'made')
  expect(await json(['key', 'generate', '--key-file', path])).toMatchObject({ key_file: path })
  expect(readFileSync(path, 'utf8')).toMatch(/^x'[0-9a-f]{64}'\n$/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(errorOf(await run(['key', 'generate', '--key-file', path, '--json'])).exit).toBe(13)
  expect(errorOf(await run(['key', 'generate', '--json'])).exit).toBe(2)
})

test.each([
  ['a generated key', async () => databaseWithChats()],
  [
    'a passphrase',
    async () => {
      const db = fixture('phase21-passphrase.sqlcipher4.db')
      return { db, words: ['--db', db, '--key-file', keyFile()] }
    },
  ],
])('a sheet of paper brings %s back', async (_what, make) => {
  const { db, words } = await make()
  const folder = temporaryFolder()
  const sheet = join(folder, 'sheet.txt')
  expect(await json(['key', 'export', '--paper', '--out', sheet, ...words])).toEqual({
    sheet: '',
    path: sheet,
  })
  expect(statSync(sheet).mode & 0o777).toBe(0o600)
  expect((await run(['key', 'export', '--paper', '--out', sheet, ...words])).code).toBe(18)
  const typed = join(folder, 'typed.txt')
  const lines = readFileSync(sheet, 'utf8')
    .split('\n')
    .filter((line) => /^ +\d:/.test(line))
  writeFileSync(
    typed,
    lines.map((line) => line.toUpperCase().replaceAll('0', 'O').replaceAll('1', 'l')).join('\n'),
  )
  const back = join(folder, 'back')
  await json(['key', 'import', typed, '--key-file', back, '--db', db])
  expect(await countMessages(['--db', db, '--key-file', back])).toBe(await countMessages(words))
})

const RAW = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7))
const SHEET = writeKeySheet(RAW, { database: '/a', fingerprint: 'f', printed: 't', restore: 'r' })

test('a sheet that was typed without a mistake gives the same key', async () => {
  expect(await readKeySheet(SHEET).literal(Buffer.alloc(16))).toBe(`x'${RAW.toString('hex')}'`)
})

test.each([
  ['a digit is wrong', SHEET.replace(/^( {2}3: {2})(.)/m, '$1f'), /line 3 \(mistyped\)/],
  ['two digits are exchanged', SHEET.replace(/^( {2}5: {2})(.)(.)/m, '$1$3$2'), /line 5 \(mistyped\)/],
  ['a line is missing', SHEET.replace(/^ {2}8:.*\n/m, ''), /line 8 \(missing\)/],
  [
    'two lines changed places',
    SHEET.replace(/^ {2}1:/m, '  0:')
      .replace(/^ {2}2:/m, '  1:')
      .replace(/^ {2}0:/m, '  2:'),
    /line 1 .*line 2/,
  ],
  ['it is something else', 'hello', /line 1 \(missing\).*line 8/],
])('the lines are named when %s', (_case, text, words) => {
  expect(() => readKeySheet(text)).toThrow(words)
})

test('a sheet of another database is refused before anything is written', async () => {
  const { words, folder } = await databaseWithChats()
  const sheet = join(temporaryFolder(), 'sheet')
  writeFileSync(sheet, SHEET)
  const before = snapshot(folder)
  const result = await run([
    'key',
    'import',
    sheet,
    '--db',
    words[1] ?? '',
    '--key-file',
    join(folder, 'new'),
    '--json',
  ])
  expect(errorOf(result).exit).toBe(12)
  expect(snapshot(folder)).toEqual(before)
})

test('a keychain that takes a key and then gives back something else is not believed', async () => {
  const entries = new Map<string, string>()
  const forgetful = {
    get: async (salt: Buffer) => entries.get(salt.toString('hex'))?.replace('5', '6') ?? null,
    set: async (salt: Buffer, key: string) => {
      entries.set(salt.toString('hex'), key)
    },
    delete: async (salt: Buffer) => entries.delete(salt.toString('hex')),
  }
  const stored = storeProven(forgetful, Buffer.alloc(16), `x'${'5a'.repeat(32)}'`)
  await expect(stored).rejects.toMatchObject({ code: 'KEY_SOURCE' })
  expect(entries.size).toBe(0)
})
