import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspectFile } from '../../../src/core/copy/inspect.ts'
import { diagnose, withDatabase } from '../../../src/core/database/database.ts'
import { examineFile } from '../../../src/core/files/file-facts.ts'
import { Key } from '../../../src/core/keys/key.ts'
import { encryptDatabase } from '../../../src/core/operations/encrypt.ts'
import { upgradeDatabase } from '../../../src/core/operations/upgrade.ts'
import { RAW_KEY } from '../../helpers/database.ts'
import { keyFile, temporaryFolder } from '../../helpers/folder.ts'
import { runHere } from '../../helpers/in-process.ts'
import { databaseOfOther } from '../../helpers/other-cipher.ts'

const inspect = (request: Parameters<typeof inspectFile>[0]) => inspectFile(request)
const keys = async () => [new Key('secret')]
const rawKeys = async () => [new Key(RAW_KEY)]
const SALT = '00112233445566778899aabbccddeeff'

const read = (path: string, opening = keys) =>
  withDatabase({ path, keys: opening }, (db) =>
    db.read((reader) => reader.get('SELECT count(*) AS rows, sum(length(a)) AS bytes FROM t')),
  )

describe('a key that is right, with other settings', () => {
  test.each<[string, string, string]>([
    ...[1024, 8192, 65_536].map((size): [string, string, string] => [
      `pages of ${size} bytes`,
      `PRAGMA cipher_page_size = ${size}`,
      `cipher_page_size ${size} (4096 by default)`,
    ]),
    ...[1, 4000, 64_000].map((rounds): [string, string, string] => [
      `${rounds} rounds`,
      `PRAGMA kdf_iter = ${rounds}`,
      `kdf_iter ${rounds} (256000 by default)`,
    ]),
    ['no HMAC', 'PRAGMA cipher_use_hmac = OFF', 'cipher_use_hmac OFF (ON by default)'],
    ['HMAC with SHA-1', 'PRAGMA cipher_hmac_algorithm = HMAC_SHA1', 'cipher_hmac_algorithm HMAC_SHA1'],
    ['PBKDF2 with SHA-256', 'PRAGMA cipher_kdf_algorithm = PBKDF2_HMAC_SHA256', 'PBKDF2_HMAC_SHA256'],
    [
      'SQLCipher 3 with pages of 4096 bytes',
      'PRAGMA cipher_compatibility = 3; PRAGMA cipher_page_size = 4096',
      'kdf_iter 64000',
    ],
    [
      'several at once',
      'PRAGMA cipher_use_hmac = OFF; PRAGMA cipher_page_size = 1024; PRAGMA kdf_iter = 4000',
      'cipher_page_size 1024',
    ],
  ])('%s: named, and upgrade makes an ordinary file of it', async (_name, pragmas, named) => {
    const path = await databaseOfOther(pragmas)
    const found = await diagnose(path, keys)
    expect(found).toMatchObject({ cause: 'other_cipher', detail: expect.stringContaining(named) })
    await expect(read(path)).rejects.toMatchObject({
      code: 'NOT_ENCRYPTED',
      advice: { step: 'upgrade', path },
    })
    await upgradeDatabase({ path, keys, inspect })
    expect(await read(path)).toEqual({ rows: 2, bytes: 9005 })
  })

  test('a raw key is found with other settings too, and the rounds mean nothing then', async () => {
    const path = await databaseOfOther('PRAGMA cipher_page_size = 2048; PRAGMA kdf_iter = 7', {
      key: RAW_KEY,
    })
    expect((await diagnose(path, rawKeys)).detail).toMatch(
      /cipher_page_size 2048 \(4096 by default\); the key/,
    )
    await upgradeDatabase({ path, keys: rawKeys, inspect })
    expect(await read(path, rawKeys)).toEqual({ rows: 2, bytes: 9005 })
  })

  test('a plaintext header is told from plaintext, and the salt is all that is needed', async () => {
    const path = await databaseOfOther(
      `PRAGMA cipher_plaintext_header_size = 32; PRAGMA cipher_salt = "x'${SALT}'"`,
    )
    expect(await diagnose(path, keys)).toMatchObject({ cause: 'other_cipher' })
    const from = {
      from: path,
      path: join(temporaryFolder(), 'e.db'),
      newKey: { read: async () => new Key('new') },
    }
    await expect(encryptDatabase({ ...from, inspect })).rejects.toMatchObject({ code: 'NOT_ENCRYPTED' })
    const knownSettings = { plaintextHeader: 32, salt: SALT }
    expect((await diagnose(path, keys, knownSettings)).detail).toContain('cipher_plaintext_header_size 32')
    await upgradeDatabase({ path, keys, inspect, knownSettings })
    expect(await read(path)).toEqual({ rows: 2, bytes: 9005 })
  })

  test('unusual settings are taken from the command line, and bad ones refused', async () => {
    const path = await databaseOfOther(
      'PRAGMA kdf_iter = 12345; PRAGMA cipher_page_size = 512; PRAGMA cipher_use_hmac = OFF',
    )
    const words = [path, '--key-file', keyFile('secret'), '--json']
    const diagnosed = async (...options: string[]) =>
      JSON.parse((await runHere(['diagnose', ...words, ...options])).stdout || '{}')
    expect(await diagnosed()).toMatchObject({ cause: 'wrong_key' })
    expect(await diagnosed('--cipher-kdf-iter', '12345')).toMatchObject({
      detail: expect.stringContaining('12345'),
    })
    for (const bad of [
      ['--cipher-page-size', '1000'],
      ['--cipher-salt', 'abc'],
      ['--cipher-kdf-iter', '0'],
      ['--cipher-hmac', 'off', '--cipher-hmac-algorithm', 'sha1'],
    ]) {
      expect((await runHere(['diagnose', ...words, ...bad])).code).toBe(2)
    }
  })

  test('a wrong key stays a wrong key', async () => {
    const path = await databaseOfOther('PRAGMA cipher_page_size = 1024')
    expect(await diagnose(path, async () => [new Key('other')])).toMatchObject({
      cause: 'wrong_key',
      pages: [],
    })
  })
})

const OLLAMA = `CREATE TABLE chats (id TEXT PRIMARY KEY, title TEXT, created_at TEXT);
  CREATE TABLE messages (id INTEGER PRIMARY KEY, chat_id TEXT, role TEXT, content TEXT, model_name TEXT, stream INTEGER,
    created_at TEXT);
  INSERT INTO chats VALUES ('a', 'Bread', '2025-01-01 10:00:00');
  INSERT INTO messages VALUES (1, 'a', 'user', 'one', NULL, 0, '2025-01-01 10:00:00')`

test.each<[string, string, string[]]>([
  ['as SQLCipher 4 does it', '', []],
  ['with other settings', 'PRAGMA cipher_page_size = 1024; PRAGMA kdf_iter = 4000;', []],
  ['with unusual settings', 'PRAGMA kdf_iter = 777;', ['--cipher-kdf-iter', '777']],
])('import reads an encrypted source, %s', async (_name, pragmas, options) => {
  const source = await databaseOfOther(`${pragmas} ${OLLAMA}`)
  const target = ['--db', join(temporaryFolder(), 'c.db'), '--key-file', keyFile(RAW_KEY), '--json']
  const imported = (...more: string[]) => runHere(['import', source, ...target, ...more])
  const { error } = JSON.parse((await imported()).stderr)
  expect(error).toMatchObject({ code: 'INVALID', hint: expect.stringContaining('--source-key-file') })
  const other = await imported('--source-key-file', keyFile('other'))
  expect(JSON.parse(other.stderr).error.code).toBe('WRONG_KEY')
  const report = await imported('--source-key-file', keyFile('secret'), ...options)
  expect(JSON.parse(report.stdout)).toMatchObject({
    formats: ['ollama'],
    sessions_added: 1,
    messages_added: 1,
  })
})

test('import takes an encrypted source for one whatever byte its salt begins with', async () => {
  const target = ['--db', join(temporaryFolder(), 'c.db'), '--key-file', keyFile(RAW_KEY), '--json']
  for (const start of ['[', '{', ' [', '\n{', '\xef\xbb\xbf{', '\xff\xfe', '\xfe\xff']) {
    const salt = Buffer.alloc(16, 0xb5)
    salt.write(start, 'latin1')
    salt[15] = 3
    const source = await databaseOfOther(`PRAGMA cipher_salt = "x'${salt.toString('hex')}'"; ${OLLAMA}`)
    expect(readFileSync(source).subarray(0, 16)).toEqual(salt)
    const { error } = JSON.parse((await runHere(['import', source, ...target])).stderr)
    expect(error.hint).toContain('--source-key-file')
    const report = await runHere(['import', source, ...target, '--source-key-file', keyFile('secret')])
    expect(JSON.parse(report.stdout)).toMatchObject({ formats: ['ollama'] })
  }
})

describe('small, old and waiting files', () => {
  test.each([1, 2, 3])('SQLCipher %s: all of it in the -wal', async (version) => {
    const left = join(temporaryFolder(), 'left.db')
    await databaseOfOther(
      `PRAGMA cipher_compatibility = ${version}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0`,
      {
        meanwhile: (path) => {
          for (const suffix of ['', '-wal']) copyFileSync(path + suffix, left + suffix)
        },
      },
    )
    expect((await examineFile(left)).size).toBe(1024)
    expect(await diagnose(left, keys)).toMatchObject({ cause: 'old_cipher' })
    await upgradeDatabase({ path: left, keys, inspect })
    expect(await read(left)).toEqual({ rows: 2, bytes: 9005 })
  })

  test('a file of 0 bytes with a -wal is damaged, and nothing opens it', async () => {
    const path = join(temporaryFolder(), 'c.db')
    writeFileSync(path, '')
    writeFileSync(`${path}-wal`, Buffer.alloc(5000, 7))
    expect(await diagnose(path, keys)).toMatchObject({ cause: 'damaged' })
    await expect(read(path)).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(readFileSync(`${path}-wal`)).toHaveLength(5000)
  })

  test('a damaged page of an old or other file is named, and it is not upgraded', async () => {
    for (const pragmas of ['PRAGMA cipher_compatibility = 3', 'PRAGMA cipher_page_size = 1024']) {
      const path = await databaseOfOther(pragmas)
      const bytes = readFileSync(path)
      bytes.fill(0, 5 * 1024, 5 * 1024 + 20)
      writeFileSync(path, bytes)
      expect(await diagnose(path, keys)).toMatchObject({ cause: 'damaged', pages: [6] })
      await expect(upgradeDatabase({ path, keys, inspect })).rejects.toMatchObject({ code: 'CORRUPT' })
      expect(readFileSync(path).equals(bytes)).toBe(true)
    }
  })

  test('a damaged first page is damage while the pages after it fit the key', async () => {
    const path = await databaseOfOther('PRAGMA cipher_page_size = 1024')
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 500, 520)
    writeFileSync(path, bytes)
    expect(await diagnose(path, keys)).toMatchObject({ cause: 'damaged', pages: [1] })
  })

  test('a journal that is kept after its transaction holds none', async () => {
    const path = await databaseOfOther('PRAGMA journal_mode = PERSIST')
    expect((await examineFile(path)).hasJournal).toBe(false)
    expect((await diagnose(path, keys)).detail).not.toContain('half a transaction')
  })
})
