import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fixture, keyFile, newDatabase, snapshot } from '../helpers/folder.ts'
import { LATEST, NEXT, NEXT_MIGRATION, nextMigration, programWithMigrations } from '../helpers/program.ts'
import { errorOf, run } from '../helpers/run.ts'

const json = async (words: string[], program?: string) => {
  const { stdout, stderr } = await run([...words, '--json'], { program })
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout)
}

test('status, version, down, up and redo tell what they did', async () => {
  const { words } = await newDatabase()
  expect(await json(['migrate', 'version', ...words])).toEqual({ schema_version: LATEST, latest: LATEST })
  const status = await json(['migrate', 'status', ...words])
  expect(status).toMatchObject({ current: LATEST, latest: LATEST, pending: 0 })
  expect(status.migrations[0]).toEqual({
    version: 1,
    name: 'phase_2_1',
    state: 'applied',
    applied_at: expect.stringMatching(/^20.*\+00:00$/),
    checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  const down = await json(['migrate', 'down', '--to', '0', ...words])
  expect(down).toMatchObject({ from: LATEST, to: 0, dry_run: false })
  expect(down.steps.at(-1)).toMatchObject({ version: 1, direction: 'down', dropped: { settings: 6 } })
  expect(existsSync(down.backup)).toBe(true)
  expect(await json(['migrate', 'status', ...words])).toMatchObject({ current: 0, pending: LATEST })
  expect(await json(['migrate', ...words])).toMatchObject({ from: 0, to: LATEST, backup: null })
  expect(await json(['migrate', 'redo', ...words])).toMatchObject({
    from: LATEST,
    to: LATEST,
    steps: [{}, {}],
  })
  expect(await json(['verify-schema', ...words])).toMatchObject({ valid: true })
})

test('the copy made before going down opens with the same key and has the rows', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const words = ['--key-file', keyFile()]
  const { backup } = await json(['migrate', 'down', '--to', '0', '--db', db, ...words])
  const before = { total_messages: 226, total_settings: 6, schema_version: 1 }
  expect(await json(['stats', '--db', backup, ...words, '--fields', Object.keys(before).join()])).toEqual(
    before,
  )
  expect(await json(['verify-schema', '--db', backup, ...words])).toMatchObject({ valid: true })
})

test.each([
  ['--dry-run', ['up', '--dry-run']],
  ['--sql', ['redo', '--sql']],
])('%s shows the steps and changes nothing', async (_flag, more) => {
  const { words, folder } = await newDatabase()
  const program = programWithMigrations(NEXT_MIGRATION)
  const before = snapshot(folder)
  const result = await json(['migrate', ...more, ...words], program)
  expect(result.dry_run).toBe(true)
  expect(result.steps).toHaveLength(more.includes('--sql') ? 2 : 1)
  if (more.includes('--sql')) expect(result.steps[0].sql).toContain('DROP ')
  expect(snapshot(folder)).toEqual(before)
})

test('--sql on its own prints SQL that another program can run', async () => {
  const { words } = await newDatabase()
  const { stdout } = await run(['migrate', 'down', '--to', '0', '--sql', ...words])
  expect(stdout).toContain('DROP TABLE schema_version;')
})

test('pending migrations are exit 4 with --exit-code, and 0 without', async () => {
  const { words } = await newDatabase()
  const program = programWithMigrations(NEXT_MIGRATION)
  expect((await run(['migrate', 'status', ...words], { program })).code).toBe(0)
  expect((await run(['migrate', 'status', '--exit-code', ...words], { program })).code).toBe(4)
  expect((await run(['migrate', 'status', '--exit-code', ...words])).code).toBe(0)
})

test('a step that fails is rolled back and says so', async () => {
  const { words, db } = await newDatabase()
  const program = programWithMigrations(nextMigration('CREATE TABLE notes (a); NONSENSE;', 'SELECT 1;'))
  const error = errorOf(await run(['migrate', ...words, '--json'], { program }))
  expect(error).toMatchObject({
    code: 'MIGRATION_FAILED',
    exit: 16,
    message: expect.stringContaining('rolled back'),
  })
  expect(await json(['verify-schema', ...words])).toMatchObject({ valid: true })
  const [copy, ...others] = readdirSync(join(dirname(db), 'backups')).filter((name) => name.endsWith('.db'))
  expect(error.message).toContain(`the copy from before is ${join(dirname(db), 'backups', copy ?? '')}`)
  expect(others).toEqual([])
})

test('an edited migration is refused, and named by status and health', async () => {
  const { words, folder } = await newDatabase()
  const program = programWithMigrations(NEXT_MIGRATION)
  const { appendFileSync } = await import('node:fs')
  appendFileSync(
    join(dirname(program), '..', '..', 'migrations', '0001_phase_2_1.up.sql'),
    '-- a harmless remark\n',
  )
  const before = snapshot(folder)
  const error = errorOf(await run(['migrate', ...words, '--json'], { program }))
  expect(error).toMatchObject({ code: 'MIGRATION_FAILED', message: expect.stringContaining('was edited') })
  expect((await json(['migrate', 'status', ...words], program)).migrations[0].state).toBe('edited')
  expect((await run(['health', '--quick', ...words], { program })).code).toBe(3)
  expect(snapshot(folder)).toEqual(before)
})

test('a migrations folder with a missing half is refused before the database is touched', async () => {
  const { words } = await newDatabase()
  const program = programWithMigrations({ [`000${NEXT}_next.up.sql`]: 'SELECT 1;' })
  const error = errorOf(await run(['migrate', ...words, '--json'], { program }))
  expect(error.message).toContain(`000${NEXT}_next.up.sql has no 000${NEXT}_next.down.sql`)
})

test('a file of a newer program is read, never migrated, and never called drift', async () => {
  const { words, folder } = await newDatabase()
  await run(['migrate', ...words], { program: programWithMigrations(NEXT_MIGRATION) })
  const before = snapshot(folder)
  expect(await json(['stats', ...words])).toMatchObject({ schema_version: NEXT, total_settings: 6 })
  expect(await json(['verify-schema', ...words])).toMatchObject({
    valid: true,
    compared: false,
    findings: [],
  })
  expect(await json(['migrate', 'status', ...words])).toMatchObject({ current: NEXT, latest: LATEST })
  expect(await json(['health', ...words])).toMatchObject({ status: 'warn' })
  for (const words2 of [['migrate', 'up'], ['migrate', 'down', '--to', '0'], ['init']]) {
    expect(errorOf(await run([...words2, ...words, '--json']))).toMatchObject({
      code: 'MIGRATION_FAILED',
      exit: 16,
    })
  }
  expect(snapshot(folder)).toEqual(before)
})

test('a migration that ends its transaction is refused by every command, and nothing is touched', async () => {
  const { words, folder } = await newDatabase()
  const program = programWithMigrations(nextMigration('DELETE FROM settings; COMMIT; BEGIN;', 'SELECT 1;'))
  const before = snapshot(folder)
  for (const more of [['up'], ['up', '--dry-run'], ['up', '--rehearse'], ['status']]) {
    const error = errorOf(await run(['migrate', ...more, ...words, '--json'], { program }))
    expect(error.message).toBe(
      `000${NEXT}_next.up.sql, line 1: COMMIT ends the transaction that each step runs in`,
    )
  }
  expect(snapshot(folder)).toEqual(before)
})

test('tables are made beside another program’s only with --add-tables, and without a copy only with a yes', async () => {
  const { words, db } = await newDatabase()
  await run(['migrate', 'down', '--to', '0', '--no-backup', '--yes', ...words])
  await run(['query', '--write', 'CREATE TABLE notes (a)', ...words])
  const refused = errorOf(await run(['migrate', '--dry-run', ...words, '--json']))
  expect(refused).toMatchObject({ exit: 16, message: expect.stringContaining('tables in it: notes') })
  const bare = ['migrate', '--add-tables', '--no-backup', ...words, '--json']
  expect(errorOf(await run(bare))).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--yes') })
  const made = await json(['init', '--add-tables', ...words])
  expect(made).toMatchObject({ created: false, applied: [1, 2] })
  expect(dirname(made.backup)).toBe(join(dirname(db), 'backups'))
})

test('without a copy, going down needs a yes', async () => {
  const { words, folder } = await newDatabase()
  const before = snapshot(folder)
  const down = ['migrate', 'down', '--to', '0', '--no-backup', ...words, '--json']
  expect(errorOf(await run(down))).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--yes') })
  expect(snapshot(folder)).toEqual(before)
  expect((await run([...down, '--yes'])).code).toBe(0)
  expect(readdirSync(folder)).toEqual(['database.db', 'key'])
})

test('two processes that migrate at once: one does it, the other finds it done', async () => {
  const { words, folder } = await newDatabase()
  const program = programWithMigrations(NEXT_MIGRATION)
  const results = await Promise.all([1, 2, 3].map(() => json(['migrate', ...words], program)))
  expect(results.map(({ steps }) => steps.length).sort()).toEqual([0, 0, 1])
  expect(results.map(({ to }) => to)).toEqual([NEXT, NEXT, NEXT])
  expect(readdirSync(join(folder, 'backups')).filter((name) => name.endsWith('.db'))).toHaveLength(1)
})

test.each([
  ['no such version', ['up', '--to', '70'], 'no schema version 70'],
  ['not a number', ['up', '--to', 'x'], 'whole number'],
  ['the other direction', ['up', '--to', '0'], 'other direction'],
  ['no target', ['down'], '--to'],
])('a target is refused when it is %s', async (_case, more, message) => {
  const { words } = await newDatabase()
  const error = errorOf(await run(['migrate', ...more, ...words, '--json']))
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) })
})

test('a database without tables tells what it needs', async () => {
  const { words } = await newDatabase()
  await run(['migrate', 'down', '--to', '0', ...words])
  expect(errorOf(await run(['stats', ...words, '--json']))).toMatchObject({ code: 'PENDING', exit: 4 })
})
