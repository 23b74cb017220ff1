import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrations } from '../../../src/core/schema/migration-files.ts'
import {
  type AppliedMigration,
  type Migration,
  migrationStates,
  planMigrations,
  planRedo,
} from '../../../src/core/schema/migrations.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const files: Migration[] = [1, 2, 3].map((version) => ({
  version,
  name: `m${version}`,
  up: '',
  down: '',
  checksum: `sum${version}`,
}))
const applied = (...versions: number[]): AppliedMigration[] =>
  versions.map((version) => ({ version, applied_at: 'then', checksum: version ? `sum${version}` : null }))
const steps = (plan: ReturnType<typeof planMigrations>) =>
  plan.map(({ direction, migration }) => `${direction} ${migration.version}`)

test.each([
  ['everything is pending', [], 'up', 3, ['up 1', 'up 2', 'up 3']],
  ['a target lies below the latest', [1], 'up', 2, ['up 2']],
  ['all is there', [1, 2, 3], 'up', 3, []],
  ['a row 0 is there, as in a fresh Phase 2.1 file', [0, 1], 'up', 3, ['up 2', 'up 3']],
  ['only the newest version was recorded', [2], 'up', 3, ['up 3']],
  ['going down a part', [1, 2, 3], 'down', 1, ['down 3', 'down 2']],
  ['going down to nothing', [1, 2], 'down', 0, ['down 2', 'down 1']],
  ['going down to where it is', [1, 2], 'down', 2, []],
] as const)('the plan is right when %s', (_case, versions, direction, target, expected) => {
  expect(steps(planMigrations(files, applied(...versions), direction, target))).toEqual(expected)
})

test.each([
  ['the target is below the current version', [1, 2], 'up', 1, 'USAGE', 'other direction'],
  ['the target is above the current version', [1], 'down', 2, 'USAGE', 'other direction'],
  ['there is no such version', [1], 'up', 9, 'USAGE', 'there is no schema version 9'],
  ['a newer program made the file', [1, 2, 3, 4], 'up', 3, 'MIGRATION_FAILED', 'schema version 4'],
] as const)('a plan is refused when %s', (_case, versions, direction, target, code, message) => {
  const plan = () => planMigrations(files, applied(...versions), direction, target)
  expect(plan).toThrow(expect.objectContaining({ code }))
  expect(plan).toThrow(message)
})

test('an applied migration that was edited is refused, up and down and again', () => {
  const edited: AppliedMigration[] = [{ version: 1, applied_at: 'then', checksum: 'other' }]
  expect(() => planMigrations(files, edited, 'up', 3)).toThrow('migration 1 (m1) was edited')
  expect(() => planMigrations(files, edited, 'down', 0)).toThrow('was edited')
  expect(() => planRedo(files, edited)).toThrow('was edited')
})

test('redo undoes and applies the newest, and nothing on an empty database', () => {
  expect(steps(planRedo(files, applied(1, 2)))).toEqual(['down 2', 'up 2'])
  expect(planRedo(files, [])).toEqual([])
})

test('the states tell applied, pending, edited and missing apart', () => {
  const rows = [...applied(0, 1), { version: 2, applied_at: null, checksum: 'other' }]
  expect(migrationStates(files, rows).map(({ state }) => state)).toEqual(['applied', 'edited', 'pending'])
  expect(migrationStates(files.slice(0, 1), applied(1, 5)).map(({ state }) => state)).toEqual([
    'applied',
    'missing',
  ])
})

const pair = (name: string, up = 'SELECT 1;') => ({
  [`${name}.up.sql`]: up,
  [`${name}.down.sql`]: 'SELECT 1;',
})

test.each([
  ['the half of a pair is missing', { '0001_a.up.sql': 'SELECT 1;' }, '0001_a.up.sql has no 0001_a.down.sql'],
  ['there is a gap', { ...pair('0001_a'), ...pair('0003_c') }, 'version 2 is missing'],
  ['the first one is missing', pair('0002_b'), 'version 1 is missing'],
  ['two claim one version', { ...pair('0001_a'), ...pair('0001_b') }, 'both claim version 1'],
  ['a name does not fit', { 'first.sql': 'SELECT 1;' }, 'first.sql is not named like'],
  [
    'a file ends the transaction',
    pair('0001_a', 'CREATE TABLE t (a);\nCOMMIT;'),
    '0001_a.up.sql, line 2: COMMIT ends the transaction',
  ],
  [
    'the way back ends the transaction',
    { ...pair('0001_a'), '0001_a.down.sql': 'END' },
    '0001_a.down.sql, line 1: END ends the transaction',
  ],
  ['a name has capitals', { '0001_a.up.SQL': 'SELECT 1;' }, '0001_a.up.SQL is not named like'],
])('a folder of migrations is refused when %s', async (_case, content, message) => {
  const folder = join(temporaryFolder(), 'migrations')
  mkdirSync(folder)
  for (const [name, sql] of Object.entries(content)) writeFileSync(join(folder, name), sql)
  await expect(readMigrations(folder)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining(message),
  })
})

const folderOf = (content: Record<string, string>) => {
  const folder = temporaryFolder()
  for (const [name, sql] of Object.entries(content)) writeFileSync(join(folder, name), sql)
  return folder
}

test.each([
  ['COMMIT', 'COMMIT'],
  ['mixed case', 'cOmMiT;'],
  ['inside a line', 'DELETE FROM t; COMMIT; BEGIN;'],
  ['after empty statements', ';;COMMIT'],
  ['after a comment', '/* so */ COMMIT'],
  ['after a comment that ends oddly', '/*/ one */ END'],
  ['after a comment to the end of the line', '-- it is done\nCOMMIT;'],
  ['after a comment with a quote', "-- it's\nCOMMIT; -- isn't it"],
  ['between comments', '/**/END/**/TRANSACTION'],
  ['after a text with quotes', "INSERT INTO t VALUES ('it''s; /* ');COMMIT"],
  ['after quoted names', 'SELECT "a""; --", `b``;`, [c;\']; COMMIT'],
  ['after a byte order mark in the middle', 'SELECT 1; \uFEFFCOMMIT;'],
  ['after a form feed', 'SELECT 1;\fCOMMIT'],
  ['after a trigger', 'CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; COMMIT;'],
  ['after a temporary trigger', 'CREATE TEMP TRIGGER t INSERT ON a BEGIN SELECT 1;END;END'],
  [
    'after a trigger with CASE',
    'CREATE TRIGGER t INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END; END;',
  ],
  ['after a trigger called end', 'CREATE TRIGGER IF NOT EXISTS end INSERT ON a BEGIN SELECT 1; END; COMMIT'],
  ['after a CASE', 'SELECT CASE a WHEN 1 THEN 2 END FROM t; END;'],
  ['BEGIN', 'BEGIN IMMEDIATE; SELECT 1;'],
  ['ROLLBACK', 'ROLLBACK'],
  ['ROLLBACK TO', 'ROLLBACK TO x'],
  ['SAVEPOINT', 'SAVEPOINT x; RELEASE x'],
  ['RELEASE', 'RELEASE SAVEPOINT x'],
  ['VACUUM', "VACUUM INTO 'x'"],
  ['ATTACH', "ATTACH 'x' AS x KEY ''"],
  ['DETACH', 'DETACH x'],
  ['a new key', "PRAGMA rekey = 'x'"],
  ['a new key behind EXPLAIN', 'EXPLAIN QUERY PLAN PRAGMA main . "rekey"(\'x\')'],
  ['a journal mode', 'PRAGMA/**/journal_mode=OFF'],
  ['foreign keys', 'PRAGMA foreign_keys = OFF;'],
  ['a NUL', 'SELECT 1;\0COMMIT'],
])('a migration that would leave its transaction is refused: %s', async (_case, sql) => {
  await expect(readMigrations(folderOf(pair('0001_a', `SELECT 0;\n${sql}`)))).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringMatching(/^0001_a\.up\.sql, line [23]: /),
  })
})

test.each([
  ['a comment', '/* notes\nCOMMIT messages;\n*/ SELECT 1; -- END;\n-- COMMIT;'],
  ['a comment without an end', 'SELECT 1; /* COMMIT;'],
  ['a text', "SELECT ';COMMIT;', '\nCOMMIT;\n'"],
  [
    'names',
    'CREATE TABLE "commit;" (`end;` TEXT, [begin;] TEXT, rollback TEXT); SELECT rollback AS "end" FROM x',
  ],
  ['a longer word', 'SELECT commits FROM commitments'],
  ['a name that goes on in another script', 'CREATE TABLE t (commitΔ TEXT)'],
  ['a trigger body', 'CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\nEND;'],
  [
    'a trigger on a column named begin',
    'CREATE TRIGGER t UPDATE OF "end" ON a WHEN new.begin BEGIN SELECT 1; END',
  ],
  ['a conflict clause', 'CREATE TABLE t (a UNIQUE ON CONFLICT ROLLBACK)'],
  ['CASE', 'SELECT CASE a WHEN 1 THEN 2\nEND FROM t'],
  ['a number in the header', 'PRAGMA user_version = 3; PRAGMA foreign_key_check'],
])('the same words elsewhere are nothing: %s', async (_case, sql) => {
  expect(await readMigrations(folderOf(pair('0001_a', sql)))).toHaveLength(1)
})

const SQL = "CREATE TABLE t (a);\nINSERT INTO t VALUES ('x');\n"
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

test.each([
  ['LF', SQL],
  ['CRLF', SQL.replaceAll('\n', '\r\n')],
  ['both', SQL.replace('\n', '\r\n')],
  ['a byte order mark', `\uFEFF${SQL}`],
])('line ends are no edit: %s', async (_case, sql) => {
  const read = await readMigrations(folderOf(pair('0001_a', sql)))
  expect(read[0]).toMatchObject({ checksum: sha256(SQL), up: SQL })
  for (const recorded of [SQL, SQL.replaceAll('\n', '\r\n'), sql]) {
    const rows = [{ version: 1, applied_at: null, checksum: sha256(recorded) }]
    expect(migrationStates(read, rows)[0]?.state).toBe('applied')
  }
  const edited = [{ version: 1, applied_at: null, checksum: sha256(`${SQL}--`) }]
  expect(migrationStates(read, edited)[0]?.state).toBe('edited')
})

test('what editors, macOS and archives leave in the folder is no migration', async () => {
  const stray = ['._0001_a.up.sql', '.DS_Store', '0001_a.up.sql~', '.0001_a.up.sql.swp', '#0001_a.up.sql#']
  const folder = folderOf({ ...pair('0001_a'), ...Object.fromEntries(stray.map((name) => [name, '\0'])) })
  mkdirSync(join(folder, '0002_old.up.sql'))
  symlinkSync('0002_old.up.sql', join(folder, 'link.sql'))
  expect(await readMigrations(folder)).toHaveLength(1)
})

test.each([
  ['the folder', (folder: string) => join(folder, 'none'), 'none is missing'],
  ['a linked file', linkNowhere, '0002_b.up.sql is missing'],
])('%s that is not there is named', async (_case, prepare, message) => {
  const folder = prepare(folderOf(pair('0001_a')))
  await expect(readMigrations(folder)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining(message),
  })
})

function linkNowhere(folder: string): string {
  symlinkSync('nowhere', join(folder, '0002_b.up.sql'))
  return folder
}

test('the shipped migrations are complete', async () => {
  const shipped = await shippedMigrations()
  expect(shipped.map(({ version }) => version)).toEqual(shipped.map((_migration, index) => index + 1))
})
