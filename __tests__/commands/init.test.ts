import { spawnSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyFile, newDatabase, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { LATEST, NEXT, NEXT_MIGRATION, programWithMigrations } from '../helpers/program.ts'
import { cleanEnvironment, errorOf, PROGRAM, run } from '../helpers/run.ts'

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('init makes an encrypted database at the latest version with default settings, for its owner alone', async () => {
  const folder = temporaryFolder()
  const db = join(folder, 'deep', 'er', 'database.db')
  const key = join(folder, 'keys', 'k')
  const result = await run(['init', '--db', db, '--key-file', key, '--generate-key', '--json'])
  expect(result.code).toBe(0)
  expect(JSON.parse(result.stdout)).toEqual({
    path: db,
    schema_version: LATEST,
    created: true,
    applied: Array.from({ length: LATEST }, (_, index) => index + 1),
    backup: null,
    key_file: key,
    keychain: false,
  })
  expect(
    [db, key, join(folder, 'deep'), join(folder, 'deep', 'er'), join(folder, 'keys')].map(modeOf),
  ).toEqual(['600', '600', '700', '700', '700'])
  expect(readFileSync(key, 'utf8')).toMatch(/^x'[0-9a-f]{64}'\n$/)
  expect(readFileSync(db).subarray(0, 15).toString()).not.toBe('SQLite format 3')
  const stats = await run([
    'stats',
    '--db',
    db,
    '--key-file',
    key,
    '--json',
    '--fields',
    'total_settings,schema_version',
  ])
  expect(JSON.parse(stats.stdout)).toEqual({ total_settings: 6, schema_version: LATEST })
})

test('a second run changes nothing and exits 0', async () => {
  const { words, folder } = await newDatabase()
  const before = snapshot(folder)
  for (const more of [[], ['--generate-key']]) {
    const again = await run(['init', ...words, ...more, '--json'])
    expect(again.code).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({ created: false, applied: [], schema_version: LATEST })
    expect(snapshot(folder)).toEqual(before)
  }
})

test.each([
  ['a passphrase in a file', (folder: string) => ({ flags: ['--key-file', keyFile('pass phrase', folder)] })],
  [
    'a passphrase with quotes',
    (folder: string) => ({ flags: ['--key-file', keyFile(`it's "so" -- ;`, folder)] }),
  ],
  [
    'a key of 64 hex digits',
    (folder: string) => ({ flags: ['--key-file', keyFile(`x'${'0f'.repeat(32)}'`, folder)] }),
  ],
  [
    'a key of 96 hex digits',
    (folder: string) => ({ flags: ['--key-file', keyFile(`x'${'0f'.repeat(48)}'`, folder)] }),
  ],
  ['a key on standard input', () => ({ flags: ['--key-file', '-'], input: 'from stdin\n' })],
  ['a key command', () => ({ flags: ['--key-command', 'echo "from a command"'] })],
  ['a key in the environment', () => ({ flags: [], env: { LIBREOLLAMA_DB_KEY: 'from the environment' } })],
] as const)('init and then stats work with %s', async (_case, given) => {
  const folder = temporaryFolder()
  const { flags, input, env } = given(folder) as {
    flags: string[]
    input?: string
    env?: Record<string, string>
  }
  for (const command of ['init', 'stats']) {
    const result = await run([command, '--db', join(folder, 'a.db'), ...flags, '--json'], { input, env })
    expect(result).toMatchObject({ code: 0, stderr: '' })
  }
})

test('a path with quotes, spaces and the signs of a URI is a path', async () => {
  const folder = join(temporaryFolder(), `it's "so" ?mode=ro #1 %41 ünï`)
  const db = join(folder, "file:a'b?key=x&c#d%41.db")
  const words = ['--db', db, '--key-command', 'echo k', '--json']
  expect((await run(['init', ...words])).code).toBe(0)
  expect(existsSync(db)).toBe(true)
  for (const command of ['stats', 'health', 'verify-schema', 'diagnose', 'path']) {
    expect(await run([command, ...words])).toMatchObject({ code: 0 })
  }
  expect(Object.keys(snapshot(folder))).toEqual(["file:a'b?key=x&c#d%41.db"])
})

test('init without a key and without a terminal is a usage error that names the flags', async () => {
  const db = join(temporaryFolder(), 'a.db')
  const error = errorOf(await run(['init', '--db', db, '--json']))
  expect(error).toMatchObject({ code: 'USAGE', exit: 2 })
  expect(error.hint).toMatch(/--key-file.*--generate-key.*--key-command/)
  expect(existsSync(db)).toBe(false)
})

test('a generated key never overwrites a file', async () => {
  const folder = temporaryFolder()
  const key = keyFile('precious', folder)
  const result = await run([
    'init',
    '--db',
    join(folder, 'a.db'),
    '--key-file',
    key,
    '--generate-key',
    '--json',
  ])
  expect(errorOf(result)).toMatchObject({ code: 'KEY_SOURCE' })
  expect(readFileSync(key, 'utf8')).toBe('precious')
  expect(existsSync(join(folder, 'a.db'))).toBe(false)
})

test('when the database cannot be made, the key that was generated for it goes too', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  const key = join(folder, 'key')
  const result = await run([
    'init',
    '--db',
    join(folder, 'file', 'a.db'),
    '--key-file',
    key,
    '--generate-key',
    '--json',
  ])
  expect(errorOf(result)).toMatchObject({ code: 'IO', exit: 18 })
  expect(existsSync(key)).toBe(false)
})

const withFullDevice = existsSync('/dev/full') ? test : test.skip
withFullDevice(
  'a result that cannot be printed does not cost the key (skipped where there is no /dev/full)',
  async () => {
    const folder = temporaryFolder()
    const [db, key] = [join(folder, 'a.db'), join(folder, 'key')]
    const command = '"$0" "$1" init --db "$2" --key-file "$3" --generate-key --json > /dev/full'
    const { status } = spawnSync('/bin/sh', ['-c', command, process.execPath, PROGRAM, db, key], {
      env: cleanEnvironment(),
    })
    expect(status).toBe(18)
    expect((await run(['stats', '--db', db, '--key-file', key])).code).toBe(0)
  },
)

test('a symbolic link is followed to the database it names, and a dangling one is refused', async () => {
  const { db, key, folder } = await newDatabase()
  const link = join(folder, 'link.db')
  symlinkSync(db, link)
  expect((await run(['stats', '--db', link, '--key-file', key, '--json'])).code).toBe(0)
  const dangling = join(folder, 'dangling.db')
  symlinkSync(join(folder, 'nowhere.db'), dangling)
  expect(errorOf(await run(['init', '--db', dangling, '--key-file', key, '--json']))).toMatchObject({
    exit: 10,
  })
  expect(existsSync(join(folder, 'nowhere.db'))).toBe(false)
})

test('an older database is brought to the latest version, with a copy from before', async () => {
  const { words } = await newDatabase()
  const program = programWithMigrations(NEXT_MIGRATION)
  const result = JSON.parse((await run(['init', ...words, '--json'], { program })).stdout)
  expect(result).toMatchObject({
    created: false,
    applied: [NEXT],
    schema_version: NEXT,
    backup: expect.any(String),
  })
  expect(modeOf(result.backup)).toBe('600')
})

test('two at once make one database', async () => {
  const folder = temporaryFolder()
  const words = ['init', '--db', join(folder, 'a.db'), '--key-file', keyFile('same', folder), '--json']
  const results = await Promise.all([run(words), run(words), run(words)])
  expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
    Array(3).fill({ code: 0, stderr: '' }),
  )
  expect(results.filter(({ stdout }) => JSON.parse(stdout).created)).toHaveLength(1)
  expect(Object.keys(snapshot(folder))).toEqual(['a.db', 'key'])
})

test('what an earlier run left that was killed is cleared away', async () => {
  const folder = temporaryFolder()
  const litter = join(folder, 'a.db.init-1-20200101T000000000Z.new')
  writeFileSync(litter, 'half')
  mkdirSync(join(folder, 'a.db.init-mine.new'))
  const init = ['init', '--db', join(folder, 'a.db'), '--key-file', keyFile('k', folder)]
  await run(init)
  expect(Object.keys(snapshot(folder))).toEqual(['a.db', 'a.db.init-mine.new', 'key'])
  // Killed between giving the finished database its name and taking the temporary one away.
  linkSync(join(folder, 'a.db'), litter)
  expect((await run(init)).code).toBe(0)
  expect(Object.keys(snapshot(folder))).toEqual(['a.db', 'a.db.init-mine.new', 'key'])
  expect((await run(['stats', ...init.slice(1)])).code).toBe(0)
})
