import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Database, withDatabase } from '../../src/core/database.ts'
import { readApplied } from '../../src/core/ledger.ts'
import { migrate } from '../../src/core/migrate.ts'
import { currentVersion, type Migration, planMigrations } from '../../src/core/migrations.ts'
import { countRows } from '../../src/core/row-counts.ts'
import { inspectElsewhere } from '../../src/own-program.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'
import { keys, makeDatabase, withTestDatabase } from '../helpers/database.ts'
import { LATEST, NEXT } from '../helpers/program.ts'

const backup = { inspect: inspectElsewhere }

const step = (up: string, down = 'SELECT 1;', version = NEXT): Migration => ({
  version,
  name: 'test',
  up,
  down,
  checksum: `sum of ${up}`,
})

async function moveUp(db: Database, ...more: Migration[]) {
  const migrations = [...(await shippedMigrations()), ...more]
  return migrate(db, {
    backup,
    plan: (applied) => planMigrations(migrations, applied, 'up', migrations.length),
  })
}

async function moveDown(db: Database, target: number, ...more: Migration[]) {
  const migrations = [...(await shippedMigrations()), ...more]
  return migrate(db, { backup, plan: (applied) => planMigrations(migrations, applied, 'down', target) })
}

const version = (db: Database) => db.read(readApplied).then(currentVersion)

const addChat = (db: Database) =>
  db.transaction(async (writer) => {
    await writer.run("INSERT INTO chat_sessions (id, title) VALUES ('s', 'a chat')")
    await writer.run(
      "INSERT INTO chat_messages (id, session_id, role, content) VALUES ('m', 's', 'user', 'hello')",
    )
  })

test('a step is recorded with its checksum, in the one transaction that applies it', () =>
  withTestDatabase(async (db) => {
    await moveUp(db, step('CREATE TABLE notes (id TEXT PRIMARY KEY);'))
    const applied = await db.read(readApplied)
    expect(applied.at(-1)).toMatchObject({
      version: NEXT,
      checksum: 'sum of CREATE TABLE notes (id TEXT PRIMARY KEY);',
      applied_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
    })
  }))

test.each([
  ['its SQL is wrong', 'CREATE TABLE extra (a); NONSENSE;', 'syntax error'],
  [
    'a constraint refuses',
    "CREATE TABLE extra (a); INSERT INTO settings (key, value) VALUES ('theme', '');",
    'UNIQUE',
  ],
  [
    'a table that stays loses rows',
    'CREATE TABLE extra (a); DELETE FROM settings;',
    'settings had 6 rows and now has 0',
  ],
  [
    'it leaves rows that point at nothing',
    'CREATE TABLE extra (a); DELETE FROM chat_sessions; INSERT INTO chat_sessions (id, title) VALUES (1, 1);',
    'point at nothing',
  ],
])('a step is rolled back when %s', (_case, sql, message) =>
  withTestDatabase(async (db) => {
    await addChat(db)
    const before = await db.read(countRows)
    await expect(moveUp(db, step(sql))).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining(message),
    })
    expect(await db.read(countRows)).toEqual(before)
    expect(await version(db)).toBe(LATEST)
    expect(await db.exclusively((writer) => writer.get('PRAGMA foreign_keys'))).toEqual({ foreign_keys: 1 })
  }),
)

test('rebuilding a parent table does not empty its children', () =>
  withTestDatabase(async (db) => {
    await addChat(db)
    const rebuild = `CREATE TABLE copy AS SELECT * FROM chat_sessions; DROP TABLE chat_sessions;
      CREATE TABLE chat_sessions (id TEXT PRIMARY KEY, title TEXT NOT NULL, color TEXT);
      INSERT INTO chat_sessions (id, title) SELECT id, title FROM copy; DROP TABLE copy;`
    await moveUp(db, step(rebuild))
    expect(await db.read(countRows)).toMatchObject({ chat_sessions: 1, chat_messages: 1 })
  }))

test('when a later step fails, the steps before it stay and the version says so', () =>
  withTestDatabase(async (db) => {
    const work = moveUp(db, step('CREATE TABLE two (a);'), step('NONSENSE;', '', NEXT + 1))
    await expect(work).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
    expect(await version(db)).toBe(NEXT)
    expect(await db.read(countRows)).toHaveProperty('two')
  }))

test('going down to 0 removes all tables, says what went, and keeps a copy that opens', () =>
  withTestDatabase(async (db) => {
    await addChat(db)
    const report = await moveDown(db, 0)
    expect(report).toMatchObject({ from: LATEST, to: 0 })
    expect(report.steps.at(-1)).toMatchObject({ direction: 'down', dropped: { chat_messages: 1 } })
    expect(await db.read(countRows)).toEqual({})
    const copy = report.backup as string
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(copy)).mode & 0o777).toBe(0o700)
    const rows = await withDatabase({ path: copy, keys }, (kept) => kept.read(countRows))
    expect(rows).toMatchObject({ chat_sessions: 1, chat_messages: 1, settings: 6 })
  }))

test('up after down makes the same schema again', () =>
  withTestDatabase(async (db) => {
    const schema = () =>
      db.read((reader) => reader.all('SELECT type, name, sql FROM sqlite_schema ORDER BY name'))
    const before = await schema()
    await moveDown(db, 0)
    expect(await schema()).toEqual([])
    await moveUp(db)
    expect(await schema()).toEqual(before)
  }))

test('a copy whose folder cannot be made stops the migration before anything changed', async () => {
  const path = await makeDatabase()
  const { writeFileSync } = await import('node:fs')
  writeFileSync(join(dirname(path), 'backups'), 'in the way')
  await withDatabase({ path, keys, access: 'write' }, async (db) => {
    await expect(moveDown(db, 0)).rejects.toMatchObject({ code: 'IO' })
    expect(await version(db)).toBe(LATEST)
  })
})

test('nothing is copied when there is nothing to do', () =>
  withTestDatabase(async (db) => {
    expect(await moveUp(db)).toEqual({ from: LATEST, to: LATEST, steps: [], backup: null })
    expect(existsSync(join(dirname(db.facts.realPath), 'backups'))).toBe(false)
  }))

test('of many that migrate at once one does it, the others find it done', async () => {
  const path = await makeDatabase()
  const reports = await Promise.all(
    Array.from({ length: 5 }, () =>
      withDatabase({ path, keys, access: 'write' }, (db) => moveUp(db, step('CREATE TABLE once (a);'))),
    ),
  )
  expect(reports.map(({ steps }) => steps.length).sort()).toEqual([0, 0, 0, 0, 1])
  expect(readdirSync(join(dirname(path), 'backups')).filter((name) => name.endsWith('.db'))).toHaveLength(1)
})
