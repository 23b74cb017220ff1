import { renameSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import sqlcipher from '@journeyapps/sqlcipher'
import { createBackup } from '../../src/core/backup/backup.ts'
import { inspectFile } from '../../src/core/copy/inspect.ts'
import { withDatabase } from '../../src/core/database/database.ts'
import { Key } from '../../src/core/keys/key.ts'
import { rekeyDatabase } from '../../src/core/operations/rekey.ts'
import { restoreDatabase } from '../../src/core/operations/restore.ts'
import { otherProgram } from '../helpers/chats.ts'
import { keys, makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile } from '../helpers/folder.ts'
import { errorOf, type Run, run } from '../helpers/run.ts'

const inspect = (request: Parameters<typeof inspectFile>[0]) => inspectFile(request)
const countSettings = 'SELECT count(*) AS n FROM settings'
const count = (path: string) =>
  withDatabase({ path, keys }, (db) => db.read((reader) => reader.get(countSettings)))

async function inMode(mode: string): Promise<string> {
  const path = await makeDatabase()
  await new Promise<void>((resolve, reject) => {
    const db = new sqlcipher.Database(path)
    db.exec(`PRAGMA key = "${RAW_KEY}"; PRAGMA journal_mode = ${mode}`, (error) =>
      db.close(() => (error ? reject(error) : resolve())),
    )
  })
  return path
}

/** Other processes that come while this one has the database to itself, and that wait for it. */
async function whileReplacing(
  path: string,
  replace: (slowly: typeof inspect) => Promise<unknown>,
  ...commands: string[][]
): Promise<Run[]> {
  const words = ['--db', path, '--key-file', keyFile(RAW_KEY), '--json']
  let waiting: Promise<Run>[] = []
  await replace(async (request) => {
    waiting = commands.map((command) => run([...command, ...words]))
    await pause(1000)
    return inspect(request)
  })
  return Promise.all(waiting)
}

test.each(['wal', 'delete'])(
  'who writes or reads while restore swaps (%s) waits for the new file',
  async (mode) => {
    const path = await inMode(mode)
    const { path: from } = await createBackup({ path, keys, inspect })
    const [set, query, stats] = await whileReplacing(
      path,
      (slowly) => restoreDatabase({ path, keys, inspect: slowly, from }),
      ['setting', 'set', 'theme', 'dark'],
      ['query', '--write', "INSERT INTO settings (key, value) VALUES ('new', '1')"],
      ['stats'],
    )
    expect([set, query, stats]).toEqual(Array(3).fill(expect.objectContaining({ code: 0 })))
    expect(await count(path)).toEqual({ n: 7 })
  },
)

test('who waits while rekey swaps is told that its key is the old one', async () => {
  const path = await makeDatabase()
  const next = new Key(`x'${'c3'.repeat(32)}'`)
  const [set] = await whileReplacing(
    path,
    (slowly) => rekeyDatabase({ path, keys, inspect: slowly, newKey: { read: async () => next } }),
    ['setting', 'set', 'theme', 'dark'],
  )
  expect(errorOf(set as Run)).toMatchObject({ code: 'WRONG_KEY' })
})

test('a moment in which there is no file, between two renames, is waited for', async () => {
  const path = await makeDatabase()
  const stamp = new Date().toISOString().replace(/[-:.]/g, '')
  writeFileSync(`${path}.restore-${process.pid}-${stamp}.new`, '')
  renameSync(path, `${path}.aside`)
  const reading = count(path)
  await pause(150)
  renameSync(`${path}.aside`, path)
  expect(await reading).toEqual({ n: 6 })
  renameSync(path, `${path}.aside`)
  await expect(withDatabase({ path, keys, lockTimeout: 0.1 }, async () => {})).rejects.toMatchObject({
    code: 'NO_DATABASE',
  })
  writeFileSync(`${path}.restore-2000000-20200101T000000000Z.new`, '')
  renameSync(`${path}.restore-${process.pid}-${stamp}.new`, `${path}.other`)
  const began = performance.now()
  await expect(count(path)).rejects.toMatchObject({ code: 'NO_DATABASE' })
  expect(performance.now() - began).toBeLessThan(1000) // of a dead one nothing comes
})

test.each(['wal', 'delete'])(
  'who replaces a file (%s) waits for a program that closes it in time',
  async (mode) => {
    const path = await inMode(mode)
    const program = await otherProgram(path, keyFile(RAW_KEY))
    await program.call(countSettings)
    const next = { read: async () => new Key(`x'${'c3'.repeat(32)}'`) }
    const work = rekeyDatabase({ path, keys, inspect, newKey: next, lockTimeout: 5 })
    setTimeout(() => program.close(), 300)
    expect(await work).toMatchObject({ changed: true })
  },
)
