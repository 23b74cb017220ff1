import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Database, withDatabase } from '../../../src/core/database/database.ts'
import { createFile } from '../../../src/core/files/new-file.ts'
import { initDatabase } from '../../../src/core/operations/init.ts'
import { migrate } from '../../../src/core/operations/migrate.ts'
import { rehearse } from '../../../src/core/operations/rehearse.ts'
import { readApplied } from '../../../src/core/schema/ledger.ts'
import { currentVersion, type Migration, planMigrations } from '../../../src/core/schema/migrations.ts'
import { countRows } from '../../../src/core/schema/row-counts.ts'
import { inspectElsewhere } from '../../../src/helper-programs.ts'
import * as library from '../../../src/index.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { keys, makeDatabase, RAW_KEY } from '../../helpers/database.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { LATEST } from '../../helpers/program.ts'

const inspect = inspectElsewhere

/** An encrypted database as another program makes it, in rollback-journal mode. */
async function databaseWith(sql: string): Promise<string> {
  const path = join(temporaryFolder(), 'other.db')
  await createFile(path)
  await withDatabase({ path, keys, access: 'create' }, (db) =>
    db.exclusively((writer) => writer.exec(`PRAGMA journal_mode = DELETE; ${sql}`)),
  )
  return path
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const read = <T>(path: string, work: (db: Database) => Promise<T>) => withDatabase({ path, keys }, work)
const modeOf = (path: string) =>
  read(path, (db) => db.read((reader) => reader.get<{ journal_mode: string }>('PRAGMA journal_mode'))).then(
    (row) => row?.journal_mode,
  )
const versionOf = (path: string) => read(path, (db) => db.read(readApplied)).then(currentVersion)

async function move(path: string, target: number, addTables = false, more: Migration[] = []) {
  const migrations = [...(await shippedMigrations()), ...more]
  return withDatabase({ path, keys, access: 'write' }, async (db) =>
    migrate(db, {
      backup: { inspect },
      addTables,
      plan: (applied) =>
        planMigrations(migrations, applied, target < currentVersion(applied) ? 'down' : 'up', target),
    }),
  )
}

const NOTES = 'CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT); INSERT INTO notes VALUES (1, 2);'
const init = async (path: string, addTables = false) =>
  initDatabase({ path, keys, migrations: await shippedMigrations(), addTables, inspect })

/** Every way by which the tables of chats can come into a database. */
const WAYS: [string, (path: string) => Promise<unknown>][] = [
  ['init', init],
  ['migrate', (path) => move(path, LATEST)],
  ['migrate to version 1', (path) => move(path, 1)],
  [
    'rehearse',
    async (path) => {
      const migrations = await shippedMigrations()
      const plan = () => planMigrations(migrations, [], 'up', LATEST)
      return rehearse({ path, keys, plan, migrations, inspect })
    },
  ],
  ['initDatabase of the library', (path) => library.initDatabase({ path, key: RAW_KEY })],
  [
    'runMigrations of the library',
    (path) =>
      library.withDatabase({ path, key: RAW_KEY, access: 'write' }, (db) => library.runMigrations(db)),
  ],
]

test.each(WAYS)(
  'another program’s database is refused with what is in it, and untouched: %s',
  async (_way, work) => {
    const path = await databaseWith(`${NOTES} CREATE VIEW titles AS SELECT id FROM notes;
    CREATE VIRTUAL TABLE found USING fts5 (body)`)
    const before = sha256(path)
    await expect(work(path)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: `${path} is the database of another application; tables in it: found, notes, titles`,
      advice: expect.arrayContaining([{ step: 'add_tables' }]),
    })
    expect(sha256(path)).toBe(before)
    expect(existsSync(join(dirname(path), 'backups'))).toBe(false)
  },
)

test.each([
  [
    'versions as text',
    "CREATE TABLE schema_version (version TEXT, script TEXT); INSERT INTO schema_version VALUES ('1.1', 'a')",
    'are needed here are taken in it: schema_version; other tables in it: notes',
  ],
  [
    'a version and nothing of ours',
    'CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (2)',
    'says schema version 2, but has no tables of chats',
  ],
  [
    'a version far above ours',
    'CREATE TABLE schema_version (version INTEGER, applied_at INTEGER); INSERT INTO schema_version VALUES (20240101, 7)',
    'says schema version 20240101, but has no tables of chats',
  ],
  [
    'chats of another shape',
    'CREATE TABLE schema_version (version INTEGER, applied_at TEXT); INSERT INTO schema_version VALUES (1, NULL); CREATE TABLE chat_sessions (id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE chat_messages (id INTEGER, session_id, role, content)',
    'chat_messages, chat_sessions, notes, schema_version',
  ],
  [
    'our names',
    'CREATE TABLE Settings (a); CREATE INDEX idx_agents_is_active ON notes (body)',
    'are needed here are taken in it: Settings, idx_agents_is_active; other tables in it: notes',
  ],
  [
    'our ledger’s name',
    'CREATE TABLE migration_checksums (a)',
    'are needed here are taken in it: migration_checksums',
  ],
])(
  'tables cannot be added where there are %s, with or without asking for it',
  async (_case, sql, message) => {
    const path = await databaseWith(`${NOTES} ${sql}`)
    const before = sha256(path)
    for (const addTables of [false, true]) {
      const refusal = {
        code: 'MIGRATION_FAILED',
        message: expect.stringContaining(message),
        advice: expect.not.arrayContaining([{ step: 'add_tables' }]),
      }
      await expect(init(path, addTables)).rejects.toMatchObject(refusal)
      await expect(move(path, LATEST, addTables)).rejects.toMatchObject(refusal)
    }
    expect(sha256(path)).toBe(before)
  },
)

test('tables are added beside others when asked for: a copy first, and the journal mode stays', async () => {
  const path = await databaseWith(NOTES)
  const { backup, applied, schema_version } = await init(path, true)
  expect({ applied, schema_version }).toEqual({ applied: [1, 2], schema_version: LATEST })
  expect(await read(backup as string, (db) => db.read(countRows))).toEqual({ notes: 1 })
  expect(await read(path, (db) => db.read(countRows))).toMatchObject({ notes: 1, chat_messages: 0 })
  // From here on it may be migrated like any other, and stays the other program's.
  await move(path, 0)
  expect((await move(path, LATEST)).backup).toMatch(/before-migrating-v0\.db$/)
  expect(await modeOf(path)).toBe('delete')
})

test('an empty database, and one of ours that went down to 0, need no asking', async () => {
  const empty = await databaseWith('')
  expect(await init(empty)).toMatchObject({ schema_version: LATEST, backup: null })
  expect(await modeOf(empty)).toBe('wal')
  const own = await makeDatabase()
  await withDatabase({ path: own, keys, access: 'write' }, (db) =>
    db.transaction((writer) => writer.exec('CREATE TABLE mine (a)')),
  )
  await move(own, 0)
  expect(await read(own, (db) => db.read(countRows))).toEqual({ mine: 0, migration_checksums: 0 })
  expect(await move(own, LATEST)).toMatchObject({ to: LATEST, backup: expect.stringContaining('v0') })
})

test('a database that only another program migrated is ours by its tables, a lost column or not', async () => {
  const path = await makeDatabase()
  await withDatabase({ path, keys, access: 'write' }, (db) =>
    db.transaction((writer) =>
      writer.exec('DROP TABLE migration_checksums; ALTER TABLE chat_messages DROP COLUMN model_name'),
    ),
  )
  expect(await move(path, LATEST)).toMatchObject({ from: LATEST, steps: [] })
  expect(await init(path)).toMatchObject({ schema_version: LATEST, applied: [] })
})

test.each([
  ['the first', { version: 1, name: 'one', up: 'CREATE TABLE a (b); NONSENSE;', down: '', checksum: '' }],
  [
    'rows that point at nothing',
    {
      version: 1,
      name: 'one',
      up: 'CREATE TABLE a (b REFERENCES a (c)); INSERT INTO a VALUES (1)',
      down: '',
      checksum: '',
    },
  ],
])('a first migration that fails leaves every byte as it was: %s', async (_case, migration) => {
  const path = await databaseWith(NOTES)
  const before = sha256(path)
  const work = withDatabase({ path, keys, access: 'write' }, (db) =>
    migrate(db, { addTables: true, backup: false, plan: () => [{ direction: 'up', migration }] }),
  )
  await expect(work).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
  expect(sha256(path)).toBe(before)
})

test('a database of ours in rollback-journal mode changes it when the migration succeeded, not before', async () => {
  const shipped = (await shippedMigrations()).map(({ up }) => up).join('\n')
  const path = await databaseWith(`${shipped}; INSERT INTO schema_version (version) VALUES (${LATEST})`)
  const next = (up: string) => [{ version: LATEST + 1, name: 'next', up, down: '', checksum: '' }]
  await expect(move(path, LATEST + 1, false, next('NONSENSE'))).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
  })
  expect(await modeOf(path)).toBe('delete')
  await move(path, LATEST + 1, false, next('CREATE TABLE later (a)'))
  expect(await modeOf(path)).toBe('wal')
  expect(await versionOf(path)).toBe(LATEST + 1)
})
