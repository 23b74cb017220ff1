import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { listBackups } from '../../../src/core/backup/own-backups.ts'
import { verifyBackup } from '../../../src/core/backup/verify-backup.ts'
import { withDatabase } from '../../../src/core/database/database.ts'
import { rekeyDatabase } from '../../../src/core/operations/rekey.ts'
import { type RestoreOptions, restoreDatabase } from '../../../src/core/operations/restore.ts'
import type { Standing } from '../../../src/core/schema/replaced-database.ts'
import { restoreBackup } from '../../../src/index.ts'
import { backupFrom, editManifest, keysOf, type Made, makeDatabaseAt, write } from '../../helpers/backups.ts'
import { snapshot, temporaryFolder } from '../../helpers/folder.ts'

const restore = (made: Made, from: string, options: Partial<RestoreOptions> = {}) =>
  restoreDatabase({ ...made, from, ...options })

/** A database that is to be replaced, and a backup of another one. */
async function two(ownKey: string, otherKey: string) {
  const folder = temporaryFolder()
  const made = await makeDatabaseAt('c.db', ownKey, folder)
  const { path } = await backupFrom(await makeDatabaseAt('c.db', otherKey), 1)
  return { made, folder, from: path }
}

test.each([
  [
    'a healthy database that only another key opens',
    '5b',
    'WRONG_KEY',
    /may be a healthy database that another key/,
  ],
  ['a database of another birth', '5a', 'INVALID', /a backup of another database/],
])('%s is replaced only when that is said', async (_case, key, code, message) => {
  const { made, folder, from } = await two(key, '5a')
  const options = { ...made, keys: keysOf('5a') }
  const before = snapshot(folder)
  await expect(restore(options, from)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
    advice: { step: 'replace_other' },
  })
  expect(snapshot(folder)).toEqual(before)
  const { previous } = await restore(options, from, { otherDatabase: true })
  const kept = { ...made, path: previous ?? '', access: 'read' } as const
  expect(await withDatabase(kept, async () => 'opens')).toBe('opens')
})

test('the library has the same guard', async () => {
  const { made, folder, from } = await two('5b', '5a')
  const place = { path: made.path, key: `x'${'5a'.repeat(32)}'`, from }
  const before = snapshot(folder)
  await expect(restoreBackup(place)).rejects.toMatchObject({ code: 'WRONG_KEY' })
  expect(snapshot(folder)).toEqual(before)
  expect((await restoreBackup({ ...place, otherDatabase: true })).previous).not.toBeNull()
})

test('after a change of key the old key does not replace the database unasked', async () => {
  const made = await makeDatabaseAt('c.db')
  const { path } = await backupFrom(made, 1)
  const [key] = await keysOf('77')()
  await rekeyDatabase({ ...made, newKey: { read: async () => key as NonNullable<typeof key> } })
  await expect(restore(made, path)).rejects.toMatchObject({ code: 'WRONG_KEY' })
  await restore(made, path, { otherDatabase: true })
})

const change = (harm: (content: Buffer) => unknown) => (path: string) => {
  const content = readFileSync(path)
  harm(content)
  writeFileSync(path, content)
}

function flipPages(content: Buffer): void {
  for (let at = 4096 + 100; at < content.length; at += 4096) content.writeUInt8(content.readUInt8(at) ^ 1, at)
}

const DAMAGE: [string, (path: string) => void][] = [
  ['one bit of every page but the first', change(flipPages)],
  ['the first page', change((content) => content.fill(randomBytes(4080), 16, 4096))],
  ['the first bytes, which are the salt', change((content) => content.fill(randomBytes(16), 0, 16))],
  ['the end, which is gone', (path) => truncateSync(path, 10_000)],
  ['the beginning, zeros now', change((content) => content.fill(0, 0, 12_288))],
  ['all of it, zeros now', change((content) => content.fill(0))],
  ['all of it, text now', (path) => writeFileSync(path, 'garbage\n'.repeat(1000))],
  ['all of it, a word now', (path) => writeFileSync(path, 'garbage')],
  ['all of it, which is empty now', (path) => truncateSync(path, 0)],
]

test.each(DAMAGE)('a database is restored unasked where the damage is %s', async (_case, harm) => {
  const made = await makeDatabaseAt('c.db')
  const { path } = await backupFrom(made, 1)
  harm(made.path)
  const damaged = readFileSync(made.path)
  let shown: Standing | undefined
  const confirm = async (standing: Standing) => {
    shown = standing
  }
  const { previous } = await restore(made, path, { confirm })
  expect(shown).toMatchObject({
    path: made.path,
    bytes: damaged.length,
    rows: null,
    unread: expect.any(Error),
  })
  expect(readFileSync(previous ?? '').equals(damaged)).toBe(true)
  expect(await withDatabase(made, async () => 'opens')).toBe('opens')
})

test.each<[string, (path: string) => void, string]>([
  ['damaged, under another key', DAMAGE[0]?.[1] as () => void, 'WRONG_KEY'],
  ['nothing but noise', (path) => writeFileSync(path, randomBytes(40_960)), 'WRONG_KEY'],
])(
  'what nobody can tell from a healthy database is left alone: a file that is %s',
  async (_case, harm, code) => {
    const { made, folder, from } = await two('5b', '5a')
    harm(made.path)
    const before = snapshot(folder)
    await expect(restore({ ...made, keys: keysOf('5a') }, from)).rejects.toMatchObject({ code })
    expect(snapshot(folder)).toEqual(before)
  },
)

test.each<[string, (path: string) => unknown]>([
  ['a folder', (path) => mkdirSync(path)],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
])('%s is never replaced', async (_case, make) => {
  const made = await makeDatabaseAt('c.db')
  const { path } = await backupFrom(made, 1)
  rmSync(made.path)
  make(made.path)
  await expect(restore(made, path, { otherDatabase: true })).rejects.toMatchObject({ code: 'NO_DATABASE' })
})

test('who is asked sees what stands there, and no means that nothing changes', async () => {
  const made = await makeDatabaseAt('c.db')
  const { path } = await backupFrom(made, 1)
  const before = snapshot(made.path.slice(0, -5))
  const confirm = async ({ rows, born }: Standing) =>
    Promise.reject(new Error(`${rows} rows, ${typeof born}`))
  await expect(restore(made, path, { confirm })).rejects.toThrow('10 rows, string')
  expect(snapshot(made.path.slice(0, -5))).toEqual(before)
})

test('what was put there while the question stood is not replaced', async () => {
  const { made, from } = await two('5a', '5a')
  const { path } = await backupFrom(made, 1)
  const other = await makeDatabaseAt('c.db')
  const confirm = async () => renameSync(other.path, made.path)
  await expect(restore(made, path, { confirm })).rejects.toMatchObject({ code: 'LOCKED' })
  await expect(restore(made, from)).rejects.toMatchObject({ code: 'INVALID' })
})

describe('a database that has problems itself', () => {
  const ORPHAN = `PRAGMA foreign_keys = OFF; INSERT INTO chat_messages (id, session_id, role, content)
    VALUES ('m', 'gone', 'user', 'hi')`
  const RULE = `CREATE TABLE t (a CHECK (a > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (-1)`
  const MISMATCH =
    'PRAGMA foreign_keys = OFF; CREATE TABLE p (a); CREATE TABLE k (a REFERENCES p (a)); INSERT INTO k VALUES (1)'

  test.each([
    ['a row that points at nothing', ORPHAN, /chat_messages: 1 rows point at no record of chat_sessions/],
    ['a row that breaks a rule of its table', RULE, /CHECK constraint failed in t/],
    ['keys that cannot be checked', MISMATCH, /foreign key mismatch/],
  ])('%s: the backup, its list, its check and its restoration say so', async (_case, sql, words) => {
    const made = await makeDatabaseAt('c.db')
    await write(made, sql)
    const backup = await backupFrom(made, 1)
    expect(backup.problems.join()).toMatch(words)
    expect(backup.verified_at).toBeNull()
    expect(made.warnings.join()).toMatch(words)
    expect(await listBackups(made)).toMatchObject([{ problems: backup.problems, verified_at: null }])
    const report = await verifyBackup(backup.path, made)
    expect(report).toMatchObject({ status: 'fail', problems: backup.problems })
    made.warnings.length = 0
    const restored = await restore(made, backup.path)
    expect(restored.problems).toEqual(backup.problems)
    expect(made.warnings.join()).toMatch(words)
    // What was replaced has no manifest, and the same problems: that is no reason not to go back to it.
    expect((await restore(made, restored.previous ?? '')).problems).toEqual(backup.problems)
  })

  test('a manifest that is older than the check of references does not make a difference of what it finds', async () => {
    const made = await makeDatabaseAt('c.db')
    await write(made, ORPHAN)
    const { path } = await backupFrom(made, 1)
    editManifest(path, { problems: [], verified_at: '2025-01-01T00:00:00.000000+00:00' })
    expect(await verifyBackup(path, made)).toMatchObject({ status: 'fail', problems: [expect.any(String)] })
    expect((await restore(made, path)).previous).not.toBeNull()
  })

  test('a sound one has none', async () => {
    const made = await makeDatabaseAt('c.db')
    const backup = await backupFrom(made, 1)
    expect(backup).toMatchObject({ problems: [], verified_at: expect.any(String) })
    expect((await restore(made, backup.path)).problems).toEqual([])
    expect(made.warnings).toEqual([])
  })
})
