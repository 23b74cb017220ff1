import { databaseWithChats, json, otherProgram } from '../helpers/chats.ts'
import { durable, snapshot } from '../helpers/folder.ts'
import { LATEST, NEXT_MIGRATION, nextMigration, programWithMigrations } from '../helpers/program.ts'
import { errorOf, run } from '../helpers/run.ts'

test('a rehearsal tells what the plan does to the rows, and leaves every byte', async () => {
  const { words, folder } = await databaseWithChats()
  const before = snapshot(folder)
  const report = await json(['migrate', 'down', '--to', '0', '--rehearse', ...words])
  expect(report).toMatchObject({ dry_run: true, from: LATEST, to: 0, backup: null })
  const { rows_before, rows_after, orphans, drift, problems, duration_ms } = report.rehearsal
  expect(rows_before).toMatchObject({ chat_messages: 9, chat_sessions: 1 })
  expect({ rows_after, orphans, drift, problems }).toEqual({
    rows_after: {},
    orphans: 0,
    drift: [],
    problems: [],
  })
  expect(duration_ms).toBeGreaterThanOrEqual(0)
  expect(snapshot(folder)).toEqual(before)
})

test.each([
  ['fails', nextMigration('NONSENSE;', 'SELECT 1;'), 16],
  ['loses rows of a table that stays', nextMigration('DELETE FROM chat_messages;', 'SELECT 1;'), 16],
])('a migration that %s does so in the rehearsal, and nothing is left', async (_what, files, exit) => {
  const { words, folder } = await databaseWithChats()
  const before = snapshot(folder)
  const result = await run(['migrate', '--rehearse', ...words, '--json'], {
    program: programWithMigrations(files),
  })
  expect(errorOf(result).exit).toBe(exit)
  expect(snapshot(folder)).toEqual(before)
})

test('it can be rehearsed while another program uses the database', async () => {
  const { words, db, key, folder } = await databaseWithChats()
  const other = await otherProgram(db, key)
  await other.call('SELECT count(*) FROM chat_messages')
  const before = durable(folder)
  const { code } = await run(['migrate', '--rehearse', ...words, '--json'], {
    program: programWithMigrations(NEXT_MIGRATION),
  })
  expect(code).toBe(0)
  expect(durable(folder)).toEqual(before)
  await other.close()
})
