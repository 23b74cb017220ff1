import { copyFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { databaseWithChats, query } from '../helpers/chats.ts'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { fixture, keyFile, PASSPHRASE, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { databaseOfOther } from '../helpers/other-cipher.ts'
import { errorOf } from '../helpers/run.ts'

const flip = (path: string, at: number) => {
  const bytes = readFileSync(path)
  for (let byte = at; byte < at + 8; byte++) bytes.writeUInt8(bytes.readUInt8(byte) ^ 255, byte)
  writeFileSync(path, bytes)
}

test('a damaged database is not replaced by the backup of another one of its name', async () => {
  const folder = temporaryFolder()
  const key = keyFile('correct horse', folder)
  const of = (name: string) => ['--db', join(folder, name), '--key-file', key, '--json']
  for (const name of ['a.db', 'a.sqlite']) expect((await runHere(['init', ...of(name)])).code).toBe(0)
  expect((await runHere(['backup', ...of('a.sqlite')])).code).toBe(0)
  flip(join(folder, 'a.db'), 500)
  const before = readFileSync(join(folder, 'a.db'))
  const { hint } = errorOf(await runHere(['stats', ...of('a.db')]))
  expect(hint).not.toContain('restore latest')
  const refused = errorOf(await runHere(['restore', 'latest', ...of('a.db')]))
  expect(refused).toMatchObject({ code: 'INVALID', hint: expect.stringContaining('--other-database') })
  expect(readFileSync(join(folder, 'a.db')).equals(before)).toBe(true)
  // Its own backup has its salt.
  flip(join(folder, 'a.db'), 500)
  expect((await runHere(['backup', ...of('a.db')])).code).toBe(0)
  flip(join(folder, 'a.db'), 500)
  expect(errorOf(await runHere(['stats', ...of('a.db')])).hint).toContain('restore latest')
  expect((await runHere(['restore', 'latest', ...of('a.db')])).code).toBe(0)
})

test.each([
  ['stats'],
  ['health'],
  ['verify-schema'],
  ['session', 'list'],
  ['session', 'create', '--title', 'x'],
  ['setting', 'set', 'a', 'b'],
  ['search', 'bread'],
  ['search', '--rebuild'],
  ['export'],
  ['import', 'SOURCE'],
])('the database of another application is called that: %s %s', async (...words) => {
  const path = await databaseOfOther("CREATE TABLE notes (a); INSERT INTO notes VALUES ('x')", {
    key: RAW_KEY,
  })
  const source = fixture('app-v14-plaintext.db')
  const command = words.filter(Boolean).map((word) => (word === 'SOURCE' ? source : word))
  const { code, stdout, stderr } = await runHere([
    ...command,
    '--db',
    path,
    '--key-file',
    keyFile(RAW_KEY),
    '--json',
  ])
  expect(code).not.toBe(0)
  expect(stdout + stderr).toMatch(/the database of another application; tables in it: notes/)
  expect(stdout + stderr).not.toMatch(/DROP|migrate|verify-schema/)
})

const plaintext = (harm: (path: string) => void) => () => {
  const path = fixture('phase21-v1-plaintext.db')
  harm(path)
  return [path]
}

test.each<[string, () => string[] | Promise<string[]>, string, RegExp]>([
  ['cut short', plaintext((path) => truncateSync(path, 60_000)), 'CORRUPT', /phase21-v1-plaintext\.db/],
  ['with a header of nothing', plaintext((path) => flip(path, 20)), 'CORRUPT', /phase21-v1-plaintext\.db/],
  [
    'encrypted, with a wrong key',
    () => [fixture('phase21-passphrase.sqlcipher4.db'), '--source-key-file', keyFile('no')],
    'WRONG_KEY',
    /does not open/,
  ],
  [
    'encrypted, without a key',
    () => [fixture('phase21-passphrase.sqlcipher4.db')],
    'INVALID',
    /neither JSON/,
  ],
  ['an empty file', () => [keyFile('')], 'INVALID', /empty/],
  ['an empty folder', () => [temporaryFolder()], 'INVALID', /nothing in .* can be imported/],
  ['JSON of nothing that is known', () => [keyFile('[{"a":1}]')], 'INVALID', /no format that is known/],
  [
    'a database of nothing that is known',
    async () => [await databaseOfOther('CREATE TABLE x (a)', { key: '' })],
    'INVALID',
    /none of the known programs/,
  ],
])(
  'import of a source that is %s makes no database, and blames the source',
  async (_name, source, code, says) => {
    const db = join(temporaryFolder(), 'new.db')
    const result = await runHere([
      'import',
      ...(await source()),
      '--db',
      db,
      '--key-file',
      keyFile(RAW_KEY),
      '--json',
    ])
    expect(errorOf(result)).toMatchObject({ code, message: expect.stringMatching(says) })
    expect(result.stderr).not.toContain('new.db:')
    expect(existsSync(db)).toBe(false)
  },
)

test('a source that is damaged after its first records is CORRUPT too, and the error says what was made', async () => {
  const db = join(temporaryFolder(), 'new.db')
  const source = [fixture('damaged-page7.db'), '--source-key-file', keyFile(PASSPHRASE)]
  const error = errorOf(
    await runHere(['import', ...source, '--db', db, '--key-file', keyFile(RAW_KEY), '--json']),
  )
  expect(error).toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining(`the database ${db} was made`),
  })
})

test('a damaged source is CORRUPT for a database that exists too, and named', async () => {
  const { words } = await databaseWithChats()
  const [path = ''] = plaintext((file) => truncateSync(file, 60_000))()
  const error = errorOf(await runHere(['import', path, ...words, '--json']))
  expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(path) })
})

test('a source behind a plaintext header is read with its key, salt and header', async () => {
  const salt = '00112233445566778899aabbccddeeff'
  const chats = `CREATE TABLE chats (id TEXT PRIMARY KEY, title TEXT, created_at TEXT);
    CREATE TABLE messages (id INTEGER PRIMARY KEY, chat_id TEXT, role TEXT, content TEXT, model_name TEXT, stream INTEGER, created_at TEXT);
    INSERT INTO chats VALUES ('a', 'Bread', '2025-01-01 10:00:00');
    INSERT INTO messages VALUES (1, 'a', 'user', 'one', NULL, 0, '2025-01-01 10:00:00')`
  const source = await databaseOfOther(
    `PRAGMA cipher_plaintext_header_size = 32; PRAGMA cipher_salt = "x'${salt}'"; ${chats}`,
  )
  const target = ['--db', join(temporaryFolder(), 'c.db'), '--key-file', keyFile(RAW_KEY), '--json']
  const bare = errorOf(await runHere(['import', source, ...target]))
  expect(bare).toMatchObject({ code: 'INVALID', hint: expect.stringContaining('--source-key-file') })
  const cipher = ['--cipher-plaintext-header', '32', '--cipher-salt', salt]
  const result = await runHere([
    'import',
    source,
    ...target,
    '--source-key-file',
    keyFile('secret'),
    ...cipher,
  ])
  expect(JSON.parse(result.stdout)).toMatchObject({ formats: ['ollama'], messages_added: 1 })
})

test('hints stay with what the run was about', async () => {
  const db = await makeDatabase()
  const key = keyFile(RAW_KEY)
  const words = ['--db', db, '--key-file', key, '--json']
  const migrate = errorOf(await runHere(['migrate', '--dry-run', '--to', '1', ...words]))
  expect(migrate.hint).toMatch(/migrate down --to 1 --dry-run/)
  const { stdout } = await runHere(['diagnose', join(temporaryFolder(), 'none.db'), ...words])
  expect(JSON.parse(stdout).hint).not.toMatch(/init|--db/)
  const missing = errorOf(await runHere(['restore', join(temporaryFolder(), 'none.db'), ...words]))
  expect(missing.hint).not.toMatch(/init|--db/)
  const env = { LIBREOLLAMA_DB_KEY_FILE: join(temporaryFolder(), 'none') }
  expect(errorOf(await runHere(['stats', '--db', db, '--json'], { env })).hint).toContain(
    'check the path in LIBREOLLAMA_DB_KEY_FILE',
  )
  const fresh = join(temporaryFolder(), 'fresh.db')
  expect(errorOf(await runHere(['stats', '--db', fresh, '--json'], { env })).hint).toContain('--generate-key')
  const taken = errorOf(await runHere(['rekey', '--new-key-file', key, '--generate-key', ...words]))
  expect(taken.hint).toContain('--new-key-file')
  const plain = join(temporaryFolder(), 'plain.db')
  copyFileSync(fixture('phase21-v1-plaintext.db'), plain)
  const encrypt = errorOf(await runHere(['stats', '--db', plain, '--key-file', `${plain}.key`, '--json']))
  expect(encrypt.hint).toContain('--generate-key')
  expect(readdirSync(join(plain, '..'))).toEqual(['plain.db'])
})

test.each(['DROP TABLE schema_version', 'DELETE FROM schema_version'])(
  'a lost schema version is put back by the SQL of verify-schema: %s',
  async (harm) => {
    const { words } = await databaseWithChats()
    await query(words, harm)
    const health = JSON.parse((await runHere(['health', '--quick', ...words, '--json'])).stdout)
    const check = health.checks.find(({ name }: { name: string }) => name === 'migrations')
    expect(check).toMatchObject({ status: 'fail', hint: expect.stringContaining('verify-schema') })
    const { findings } = JSON.parse((await runHere(['verify-schema', ...words, '--json'])).stdout)
    for (const { fix_sql } of findings)
      for (const statement of fix_sql.split(/;$/m).filter((part: string) => part.trim()))
        await query(words, statement)
    const after = await runHere(['verify-schema', ...words, '--json'])
    expect(JSON.parse(after.stdout)).toMatchObject({ valid: true, schema_version: 2 })
    expect((await runHere(['migrate', ...words])).code).toBe(0)
  },
)

test('two sources of a key are named as they were given', async () => {
  const words = ['--db', await makeDatabase(), '--key-file', keyFile(RAW_KEY), '--json']
  const two = ['--source-key-file', 'x', '--source-key-command', 'y']
  expect(errorOf(await runHere(['import', '.', ...two, ...words])).message).toContain(
    '--source-key-file and --source-key-command',
  )
})
