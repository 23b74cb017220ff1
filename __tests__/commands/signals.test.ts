import { join } from 'node:path'
import { fixture, newDatabase, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { LATEST, nextMigration, programWithMigrations } from '../helpers/program.ts'
import { finished, run, start } from '../helpers/run.ts'

const ENDLESS = nextMigration(
  'CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;',
  'DROP TABLE t;',
)

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle of a migration rolls it back and is exit %i', async (signal, exit) => {
  const { words, folder } = await newDatabase()
  const before = snapshot(folder)
  const child = start(['migrate', ...words, '--no-backup', '--json'], {
    program: programWithMigrations(ENDLESS),
  })
  const result = finished(child)
  setTimeout(() => child.kill(signal), 700)
  const { code, stdout, stderr } = await result
  expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
  expect(JSON.parse(stderr).error).toMatchObject({ code: signal, exit })
  expect(snapshot(folder)).toEqual(before)
})

test('a terminal that is closed in the middle of a migration rolls it back, and its signal ends the run', async () => {
  const { words, folder } = await newDatabase()
  const before = snapshot(folder)
  const child = start(['migrate', ...words, '--no-backup'], { program: programWithMigrations(ENDLESS) })
  const result = finished(child)
  setTimeout(() => child.kill('SIGHUP'), 700)
  expect((await result).stderr).toContain('the terminal was closed')
  expect(child.signalCode).toBe('SIGHUP')
  expect(snapshot(folder)).toEqual(before)
})

test('kill -9 in the middle of a migration loses nothing, and the next run converges', async () => {
  const { words } = await newDatabase()
  const child = start(['migrate', ...words, '--no-backup'], { program: programWithMigrations(ENDLESS) })
  const result = finished(child)
  setTimeout(() => child.kill('SIGKILL'), 700)
  await result
  const stats = await run(['stats', ...words, '--json'])
  expect(JSON.parse(stats.stdout)).toMatchObject({ schema_version: LATEST, total_settings: 6 })
  expect((await run(['health', ...words])).code).toBe(0)
  expect((await run(['verify-schema', ...words])).code).toBe(0)
})

test('Ctrl-C while a key command runs, or the key is awaited on standard input, is exit 130', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  for (const flags of [
    ['--key-command', 'sleep 3'],
    ['--key-file', '-'],
  ]) {
    const child = start(['stats', '--db', db, ...flags, '--json'])
    const ended = new Promise((resolve) => child.once('close', resolve))
    setTimeout(() => child.kill('SIGINT'), 500)
    expect(await ended).toBe(130)
  }
})

test.each([100, 150, 200, 250, 300])(
  'kill -9 after %i ms of init leaves no half database',
  async (milliseconds) => {
    const folder = temporaryFolder()
    const db = join(folder, 'a.db')
    const words = ['--db', db, '--key-command', `echo "x'${'ab'.repeat(32)}'"`]
    const child = start(['init', ...words])
    const result = finished(child)
    setTimeout(() => child.kill('SIGKILL'), milliseconds)
    await result
    expect(await run(['init', ...words, '--json'])).toMatchObject({ code: 0 })
    expect(JSON.parse((await run(['stats', ...words, '--json'])).stdout)).toMatchObject({
      schema_version: LATEST,
      total_settings: 6,
    })
  },
)
