import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Database, withDatabase } from '../../../src/core/database/database.ts'
import { withMemoryDatabase } from '../../../src/core/engine/connect.ts'
import type { Connection } from '../../../src/core/engine/connection.ts'
import { AppError } from '../../../src/core/errors.ts'
import { migrate } from '../../../src/core/operations/migrate.ts'
import { readApplied } from '../../../src/core/schema/ledger.ts'
import {
  type AppliedMigration,
  currentVersion,
  type Migration,
  planMigrations,
  type Step,
} from '../../../src/core/schema/migrations.ts'
import { countRows } from '../../../src/core/schema/row-counts.ts'
import { inspectElsewhere } from '../../../src/helper-programs.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { keys, makeDatabase, withTestDatabase } from '../../helpers/database.ts'
import { LATEST, NEXT } from '../../helpers/program.ts'

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

const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => error,
  )

// What reading the files refuses is tried here without it: the second net.
test.each([
  ['COMMIT', 'CREATE TABLE extra (a); COMMIT; DELETE FROM settings;', 'a part of it was committed', true],
  ['COMMIT and BEGIN', 'CREATE TABLE extra (a);\nEND;BEGIN; DELETE FROM settings;', 'line 2 ended', true],
  ['ROLLBACK', 'CREATE TABLE extra (a); ROLLBACK; DELETE FROM settings;', 'was rolled back', false],
  [
    'a conflict clause',
    'CREATE TABLE extra (a UNIQUE); INSERT INTO extra VALUES (1);\nINSERT OR ROLLBACK INTO extra VALUES (1);\nDELETE FROM settings;',
    'was rolled back: line 2',
    false,
  ],
  [
    'a trigger',
    `CREATE TRIGGER t BEFORE DELETE ON settings BEGIN SELECT RAISE(ROLLBACK, 'no'); END;
     CREATE TABLE extra (a); DELETE FROM settings; DELETE FROM settings;`,
    'was rolled back: line 2',
    false,
  ],
])('a transaction that %s ended is noticed, and nothing runs after it', (_case, sql, message, committed) =>
  withTestDatabase(async (db) => {
    const error = await failureOf(moveUp(db, step(sql)))
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', message: expect.stringContaining(message) })
    expect(error.message.includes('rolled back')).toBe(!committed)
    expect(error.message).toContain(`the database is at version ${LATEST}`)
    const rows = await db.read(countRows)
    expect(rows.settings).toBe(6)
    expect('extra' in rows).toBe(committed)
    // The connection is as good as new.
    await moveUp(db, step('CREATE TABLE later (a);'))
  }),
)

test('statement by statement makes the same schema as the file in one piece', () =>
  withTestDatabase(async (db) => {
    const schema = (reader: Connection) =>
      reader.all("SELECT sql FROM sqlite_schema WHERE name <> 'migration_checksums' ORDER BY type, name")
    const whole = await withMemoryDatabase(async (memory) => {
      for (const { up } of await shippedMigrations()) await memory.exec(up)
      return schema(memory)
    })
    expect(await db.read(schema)).toEqual(whole)
  }))

test('a failure names the steps that stay, the version, and the copy, which opens', () =>
  withTestDatabase(async (db) => {
    const steps = [step('CREATE TABLE two (a);'), step('SELECT 1;\n\nNONSENSE;', '', NEXT + 1)]
    const { message, advice } = await failureOf(moveUp(db, ...steps))
    const [, copy = ''] =
      new RegExp(
        `^migration ${NEXT + 1} \\(test, up\\) was rolled back: line 3: .*syntax error; the database is at version ${NEXT}; migration ${NEXT} stays applied; the copy from before is (/.*\\.db)$`,
      ).exec(message) ?? []
    expect(advice).toContainEqual({ step: 'restore_backup', backup: copy })
    const applied = await withDatabase({ path: copy, keys }, (kept) => kept.read(readApplied))
    expect(currentVersion(applied)).toBe(LATEST)
  }))

test('an undone step that cannot be applied again is said to be undone', () =>
  withTestDatabase(async (db) => {
    const again = step('CREATE TABLE settings (a);')
    const plan = (): Step[] => [
      { direction: 'down', migration: { ...again, version: LATEST, down: 'SELECT 1;' } },
      { direction: 'up', migration: { ...again, version: LATEST } },
    ]
    const { message } = await failureOf(migrate(db, { plan, backup: false }))
    expect(message).toMatch(`the database is at version ${LATEST - 1}; migration ${LATEST} stays undone`)
    expect(message).not.toContain('copy')
  }))

test('an interrupted migration names its copy and keeps the reason', async () => {
  const path = await makeDatabase()
  const controller = new AbortController()
  const reason = new AppError('SIGINT', 'interrupted', { hint: 'run it again' })
  const long = `CREATE TABLE long AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c LIMIT 1e9;`
  const migrations = [...(await shippedMigrations()), step(long)]
  const { signal } = controller
  const plan = (applied: AppliedMigration[]) => planMigrations(migrations, applied, 'up', NEXT)
  const work = withDatabase({ path, keys, access: 'write', signal }, (db) =>
    migrate(db, { plan, backup, signal }),
  )
  const folder = join(dirname(path), 'backups')
  const timer = setInterval(() => {
    const published = existsSync(folder) && readdirSync(folder).some((name) => /before.*\.db$/.test(name))
    if (published) setTimeout(() => controller.abort(reason), 200)
    if (published) clearInterval(timer)
  }, 20)
  const error = await failureOf(work)
  expect(error).toMatchObject({ code: 'SIGINT', cause: reason, hint: 'run it again' })
  expect(error.message).toMatch(
    /^interrupted; migration \d \(test, up\) was rolled back; the database is at version \d; the copy from before is \//,
  )
})

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
