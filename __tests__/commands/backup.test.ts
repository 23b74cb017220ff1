import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { countMessages, databaseWithChats, json, otherProgram, query } from '../helpers/chats.ts'
import { durable, fixture, keyFile, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, ordinaryUser, run } from '../helpers/run.ts'

test('a backup is an encrypted database with the same key, for its owner alone, described by its manifest', async () => {
  const { db, words, key, folder } = await databaseWithChats()
  const backup = await json(['backup', ...words])
  expect(Object.keys(backup).sort()).toEqual(
    ['path', 'bytes', 'sha256', 'schema_version', 'created_at', 'counts', 'verified_at', 'problems'].sort(),
  )
  expect(dirname(backup.path)).toBe(join(folder, 'backups'))
  const content = readFileSync(backup.path)
  expect(backup).toMatchObject({
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    counts: { chat_messages: 9, chat_sessions: 1 },
  })
  expect(content.subarray(0, 16)).toEqual(readFileSync(db).subarray(0, 16))
  for (const path of [backup.path, `${backup.path}.json`]) expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(dirname(backup.path)).mode & 0o777).toBe(0o700)
  const other = await otherProgram(backup.path, key)
  expect(await other.call('SELECT count(*) AS n FROM chat_messages')).toEqual([{ n: 9 }])
  await other.close()
  expect(readdirSync(dirname(backup.path))).toHaveLength(2)
})

test('--dir names another folder, for every verb', async () => {
  const { words } = await databaseWithChats()
  const dir = join(temporaryFolder(), 'elsewhere')
  const { path } = await json(['backup', '--dir', dir, ...words])
  expect(dirname(path)).toBe(dir)
  expect(await json(['backup', 'list', '--dir', dir, ...words])).toHaveLength(1)
  expect(await json(['backup', 'list', ...words])).toEqual([])
  expect((await json(['backup', 'verify', 'latest', '--dir', dir, ...words]))[0].status).toBe('ok')
  expect((await json(['restore', 'latest', '--dir', dir, ...words])).from).toBe(path)
})

test('taken 20 times against a writer, each copy has exactly the rows acknowledged before it began, and no half', async () => {
  const { db, key, words, folder } = await databaseWithChats()
  const other = await otherProgram(db, key)
  await other.call('CREATE TABLE pairs (a INTEGER, b INTEGER)')
  let acknowledged = 0
  let stop = false
  const writing = (async () => {
    while (!stop) {
      await other.call('BEGIN IMMEDIATE')
      await other.call(`INSERT INTO pairs VALUES (${acknowledged}, 1)`)
      await other.call(`INSERT INTO pairs VALUES (${acknowledged}, 2)`)
      await other.call('COMMIT')
      acknowledged++
    }
  })()
  for (let round = 0; round < 20; round++) {
    const before = acknowledged
    const { path } = await json(['backup', ...words])
    const after = acknowledged
    const copy = join(folder, `restored-${round}.db`)
    await json(['restore', path, '--to', copy, ...words])
    const [row] = await json([
      'query',
      'SELECT count(DISTINCT a) AS moments, count(*) AS rows, max(a) + 1 AS last FROM pairs',
      '--db',
      copy,
      '--key-file',
      key,
    ])
    expect(row.rows).toBe(2 * row.moments)
    expect(row.last).toBe(row.moments) // none is missing in between
    expect(row.moments).toBeGreaterThanOrEqual(before)
    expect(row.moments).toBeLessThanOrEqual(after)
  }
  stop = true
  await writing
  await other.close()
  expect(acknowledged).toBeGreaterThan(20)
}, 120_000)

test('a database in a folder that cannot be written is backed up elsewhere', async () => {
  const { db, words, folder, key } = await databaseWithChats()
  const dir = temporaryFolder()
  for (const path of [db, key, dir]) if (ordinaryUser.uid) chownSync(path, ordinaryUser.uid, ordinaryUser.uid)
  chmodSync(folder, 0o555)
  const { code, stderr } = await run(['backup', '--dir', dir, ...words, '--json'], ordinaryUser)
  chmodSync(folder, 0o700)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('verify is a restore drill; it leaves nothing behind and writes down when it was', async () => {
  const { words, folder } = await databaseWithChats()
  const { verified_at } = await json(['backup', ...words])
  const names = Object.keys(snapshot(folder))
  const [report] = await json(['backup', 'verify', 'latest', ...words])
  expect(report).toMatchObject({ status: 'ok', problems: [], counts: { chat_messages: 9 } })
  expect(report.verified_at > verified_at).toBe(true)
  expect(Object.keys(snapshot(folder))).toEqual(names)
  expect((await json(['backup', 'list', ...words]))[0].verified_at).toBe(report.verified_at)
})

const flip = (path: string) => {
  const content = readFileSync(path)
  content[20_000] = (content[20_000] ?? 0) ^ 1
  writeFileSync(path, content)
}
const rewrite = (change: (manifest: Record<string, unknown>) => object) => (path: string) => {
  const manifest = JSON.parse(readFileSync(`${path}.json`, 'utf8'))
  writeFileSync(`${path}.json`, JSON.stringify({ ...manifest, ...change(manifest) }))
}

test.each([
  ['a flipped byte', flip, /SHA-256/],
  [
    'a file cut short',
    (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 40_000)),
    /bytes/,
  ],
  [
    'a manifest that lies about rows',
    rewrite(() => ({ counts: { chat_messages: 10 } })),
    /chat_messages: 9 rows/,
  ],
  ['a manifest that lies about what it holds', rewrite(() => ({ content_sha256: 'ab' })), /another SHA-256/],
  ['a manifest that lies about the version', rewrite(() => ({ schema_version: 1 })), /schema version/],
  ['a manifest that is none', (path: string) => writeFileSync(`${path}.json`, '{'), /not a manifest/],
])('%s: verify is exit 3, restore is refused, and nothing is touched', async (_case, harm, words) => {
  const made = await databaseWithChats()
  const { path } = await json(['backup', ...made.words])
  harm(path)
  const before = snapshot(made.folder)
  const restored = await run(['restore', path, ...made.words, '--json'])
  expect(errorOf(restored).exit).toBe(3)
  expect(snapshot(made.folder)).toEqual(before)
  const { code, stdout } = await run(['backup', 'verify', path, ...made.words, '--json'])
  expect(code).toBe(3)
  const [report] = JSON.parse(stdout)
  expect(report).toMatchObject({ status: 'fail', verified_at: null })
  expect(report.problems.join()).toMatch(words)
})

test('restore puts the backup in the place of the database, keeps what stood there, and can be undone', async () => {
  const { words, db, folder } = await databaseWithChats()
  await json(['backup', ...words])
  await query(words, "DELETE FROM chat_messages WHERE id = 'm1'")
  const report = await json(['restore', 'latest', ...words])
  expect(report).toMatchObject({ path: db, counts: { chat_messages: 9 } })
  expect(await countMessages(words)).toBe(9)
  expect((await run(['health', ...words])).code).toBe(0)
  const undone = await json(['restore', report.previous, ...words])
  expect(await countMessages(words)).toBe(8)
  expect(existsSync(undone.previous)).toBe(true)
  expect(readdirSync(folder).filter((name) => /-(wal|shm|journal)$|\.(new|old)$/.test(name))).toEqual([])
})

test('what waits in the -wal of the database that is replaced is kept with it', async () => {
  const { words, db, key } = await databaseWithChats()
  await json(['backup', ...words])
  const other = await otherProgram(db, key)
  await other.call("INSERT INTO settings (key, value) VALUES ('late', '1')")
  for (const suffix of ['', '-wal']) cpSync(db + suffix, `${db}${suffix}.crashed`)
  await other.close()
  for (const suffix of ['', '-wal']) cpSync(`${db}${suffix}.crashed`, db + suffix)
  const { previous } = await json(['restore', 'latest', ...words])
  expect((await run(['setting', 'get', 'late', ...words])).code).toBe(5)
  expect(await json(['setting', 'get', 'late', '--db', previous, '--key-file', key])).toMatchObject({
    value: '1',
  })
})

test('a database that does not open is moved aside as it is, with its -wal as one unit', async () => {
  const { words, db, folder } = await databaseWithChats()
  await json(['backup', ...words])
  const damaged = readFileSync(db).fill(7, 0, 9000)
  writeFileSync(db, damaged)
  writeFileSync(`${db}-wal`, 'what waited')
  const { previous } = await json(['restore', 'latest', ...words])
  expect(readFileSync(previous).equals(damaged)).toBe(true)
  expect(readFileSync(`${previous}-wal`, 'utf8')).toBe('what waited')
  expect(existsSync(`${db}-wal`)).toBe(false)
  expect(await countMessages(words)).toBe(9)
  expect(readdirSync(folder).filter((name) => /\.(new|old)$/.test(name))).toEqual([])
})

test('a backup from before a change of key is restored with the key from before', async () => {
  const { words, db, key } = await databaseWithChats()
  await json(['backup', ...words])
  const next = keyFile('another one')
  await json(['rekey', '--new-key-file', next, ...words])
  expect(await json(['backup', 'list', '--db', db, '--key-file', next])).toMatchObject([
    { opens_with: 'other' },
  ])
  // With the old key nobody can tell that this is the same database.
  const restore = ['restore', 'latest', '--db', db, '--key-file', key]
  expect(errorOf(await run([...restore, '--json'])).hint).toContain('--other-database')
  const { previous } = await json([...restore, '--other-database'])
  expect(await countMessages(words)).toBe(9)
  expect(await countMessages(['--db', previous, '--key-file', next])).toBe(9)
})

test('with the database gone, restore brings it back', async () => {
  const { words, db } = await databaseWithChats()
  await json(['backup', ...words])
  rmSync(db)
  expect(await json(['restore', 'latest', ...words])).toMatchObject({ previous: null })
  expect(await countMessages(words)).toBe(9)
})

test.each([
  ['there is no backup', async (made: Made) => ['latest', ...made.words], 10],
  ['the file is not there', async (made: Made) => ['none.db', ...made.words], 10],
  [
    'it is a backup of another database',
    async (made: Made) => [await backupOfAnother(made.key), ...made.words],
    6,
  ],
  ['it is the database itself', async (made: Made) => [made.db, ...made.words], 6],
  ['it is plaintext', async (made: Made) => [fixture('phase21-v1-plaintext.db'), ...made.words], 14],
  ['it is not a database', async (made: Made) => [fixture('not-a-database.db'), ...made.words], 12],
  ['--to exists', async (made: Made) => [await backupOf(made), '--to', made.db, ...made.words], 18],
  [
    '--to is a symbolic link',
    async (made: Made) => [await backupOf(made), '--to', link(), ...made.words],
    18,
  ],
  [
    'the key is wrong',
    async (made: Made) => [await backupOf(made), '--db', made.db, '--key-file', keyFile('no')],
    12,
  ],
  ['there is no key', async (made: Made) => [await backupOf(made), '--db', made.db], 13],
])('restore touches nothing when %s', async (_case, flags, exit) => {
  const made = await databaseWithChats()
  const words = await flags(made)
  const before = snapshot(made.folder)
  const env = { DBUS_SESSION_BUS_ADDRESS: '', XDG_RUNTIME_DIR: made.folder }
  expect(errorOf(await run(['restore', ...words, '--json'], { env })).exit).toBe(exit)
  expect(snapshot(made.folder)).toEqual(before)
})

type Made = Awaited<ReturnType<typeof databaseWithChats>>
const backupOf = async (made: Made) => (await json(['backup', ...made.words])).path as string

async function backupOfAnother(key: string): Promise<string> {
  const words = ['--db', join(temporaryFolder(), 'c.db'), '--key-file', key]
  await json(['init', ...words])
  return (await json(['backup', ...words])).path
}

function link(): string {
  const path = join(temporaryFolder(), 'link')
  symlinkSync('/nowhere/at/all', path)
  return path
}

test('a backup of another database is restored when that is said', async () => {
  const folder = temporaryFolder()
  const key = keyFile('the same for both')
  const [one, two] = ['one', 'two'].map((name) => ['--db', join(folder, name, 'c.db'), '--key-file', key])
  for (const words of [one, two]) await json(['init', ...(words ?? [])])
  await query(one ?? [], "INSERT INTO settings (key, value) VALUES ('whose', 'one')")
  const { path } = await json(['backup', ...(one ?? [])])
  expect(errorOf(await run(['restore', path, ...(two ?? []), '--json'])).message).toContain(
    'another database',
  )
  await json(['restore', path, '--other-database', ...(two ?? [])])
  expect(await json(['setting', 'get', 'whose', ...(two ?? [])])).toMatchObject({ value: 'one' })
})

test('a restore onto a database that is in use is exit 11 and touches nothing', async () => {
  const { words, db, key, folder } = await databaseWithChats()
  await json(['backup', ...words])
  const other = await otherProgram(db, key)
  await other.call('SELECT count(*) FROM chat_messages')
  const before = durable(folder)
  expect(errorOf(await run(['restore', 'latest', '--lock-timeout', '0.3', ...words, '--json'])).exit).toBe(11)
  expect(durable(folder)).toEqual(before)
  await other.close()
})

test('prune tells the reason for everything that stays, and touches nothing that is no backup', async () => {
  const { words, folder } = await databaseWithChats()
  for (let made = 0; made < 3; made++) await json(['backup', ...words])
  writeFileSync(join(folder, 'backups', 'mine.db'), 'mine')
  const names = readdirSync(join(folder, 'backups'))
  const plan = await json(['backup', 'prune', '--keep-last', '1', '--keep-daily', '2', '--dry-run', ...words])
  expect(plan).toMatchObject({ dry_run: true, removed: 2 })
  expect(plan.backups[0].reasons).toEqual(['last 1', expect.stringMatching(/^daily /)])
  const prune = ['backup', 'prune', '--keep-last', '1', ...words]
  expect(errorOf(await run([...prune, '--json']))).toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('--yes'),
  })
  expect(readdirSync(join(folder, 'backups'))).toEqual(names)
  expect(await json([...prune, '--yes'])).toMatchObject({ removed: 2 })
  expect(await json(prune)).toMatchObject({ removed: 0 }) // where nothing goes nothing is asked
  expect(readdirSync(join(folder, 'backups'))).toHaveLength(3)
  expect(existsSync(join(folder, 'backups', 'mine.db'))).toBe(true)
})

test.each([[[]], [['--keep-last', '0']], [['--keep-last', 'many']]])(
  'a prune that would remove everything is refused: %j',
  async (flags) => {
    const { words } = await databaseWithChats()
    await json(['backup', ...words])
    expect(errorOf(await run(['backup', 'prune', ...flags, ...words, '--json'])).exit).toBe(2)
    expect(await json(['backup', 'list', ...words])).toHaveLength(1)
  },
)

test('list shows the backups of other databases with --all-databases, and says that they are there', async () => {
  const { words, folder, key } = await databaseWithChats()
  const other = ['--db', join(folder, 'other.db'), '--key-file', key]
  await json(['init', ...other])
  await json(['backup', ...words])
  const none = await run(['backup', 'list', ...other, '--json'])
  expect(none.stdout).toBe('[]\n')
  expect(JSON.parse(none.stderr).warning.message).toMatch(/one of another database; .*list --all-databases/)
  expect(errorOf(await run(['restore', 'latest', ...other, '--json']))).toMatchObject({
    code: 'NO_DATABASE',
    hint: expect.stringContaining('backup list --all-databases'),
  })
  expect(await json(['backup', 'list', '--all-databases', ...other])).toMatchObject([
    { database: 'database', born: expect.any(String), opens_with: 'current', problems: [] },
  ])
  expect((await run(['backup', 'list', '--all-databases', ...other])).stdout).toMatch(
    /^database .*\ndatabase /,
  )
})

test('a backup of a database with problems says so, and is never called verified', async () => {
  const { words, db, key } = await databaseWithChats()
  const other = await otherProgram(db, key)
  await other.call('PRAGMA foreign_keys = OFF')
  await other.call("UPDATE chat_messages SET session_id = 'gone' WHERE id = 'm1'")
  await other.close()
  const problem = 'chat_messages: 1 rows point at no record of chat_sessions'
  const created = await run(['backup', ...words])
  expect([created.code, created.stdout.includes('verified')]).toEqual([0, false])
  for (const text of [created.stdout, created.stderr]) expect(text).toContain(problem)
  expect((await run(['backup', 'list', ...words])).stderr).toContain(problem)
  const verified = await run(['backup', 'verify', 'latest', ...words])
  expect([verified.code, verified.stdout.includes(problem)]).toEqual([3, true])
  const restored = await run(['restore', 'latest', ...words])
  expect([restored.code, restored.stderr.includes(problem)]).toEqual([0, true])
})

test('who may not write in the folder gets the result of a check, and a warning that it is not written down', async () => {
  const { db, key, words, folder } = await databaseWithChats()
  const { path } = await json(['backup', ...words])
  const unreadable = (await json(['backup', ...words])).path
  const { uid } = ordinaryUser
  if (uid) for (const file of [db, key, path, `${path}.json`]) chownSync(file, uid, uid)
  for (const place of [folder, dirname(path)]) chmodSync(place, 0o555)
  chmodSync(`${unreadable}.json`, uid ? 0o600 : 0)
  const before = snapshot(folder)
  const verified = await run(['backup', 'verify', 'latest', ...words, '--json'], ordinaryUser)
  expect(JSON.parse(verified.stdout)).toMatchObject([{ path, status: 'ok', verified_at: expect.any(String) }])
  expect(verified.stderr).toMatch(/not counted as a backup: .*permission denied/)
  expect(verified.stderr).toMatch(/could not be written into the manifest/)
  expect(verified.code).toBe(0)
  expect(snapshot(folder)).toEqual(before)
  chmodSync(dirname(path), 0)
  expect(errorOf(await run(['backup', 'list', ...words, '--json'], ordinaryUser)).exit).toBe(18)
  for (const place of [dirname(path), folder]) chmodSync(place, 0o700)
})
