import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AppliedMigration,
  type Migration,
  migrationStates,
  planMigrations,
  planRedo,
  readMigrations,
} from '../../src/core/migrations.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'
import { temporaryFolder } from '../helpers/folder.ts'

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
    '0001_a.up.sql begins or ends',
  ],
])('a folder of migrations is refused when %s', async (_case, content, message) => {
  const folder = join(temporaryFolder(), 'migrations')
  mkdirSync(folder)
  for (const [name, sql] of Object.entries(content)) writeFileSync(join(folder, name), sql)
  await expect(readMigrations(folder)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining(message),
  })
})

test('a trigger body is not taken for a transaction', async () => {
  const folder = temporaryFolder()
  const trigger = 'CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\nEND;'
  for (const [name, sql] of Object.entries(pair('0001_a', trigger))) writeFileSync(join(folder, name), sql)
  expect(await readMigrations(folder)).toHaveLength(1)
})

test('the shipped migrations are complete', async () => {
  const shipped = await shippedMigrations()
  expect(shipped.map(({ version }) => version)).toEqual(shipped.map((_migration, index) => index + 1))
})
