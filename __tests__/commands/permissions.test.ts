import { chmodSync, chownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { keyFile, newDatabase, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, ordinaryUser, run } from '../helpers/run.ts'

/** Gives a folder and all in it to the user that the program runs as. */
function handOver(folder: string): void {
  if (ordinaryUser.uid === undefined) return
  for (const entry of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    chownSync(join(folder, entry), ordinaryUser.uid, ordinaryUser.uid)
  }
}

async function ownDatabase() {
  const made = await newDatabase()
  handOver(made.folder)
  return made
}

test('init in a folder that cannot be written makes nothing', async () => {
  const folder = temporaryFolder()
  handOver(folder)
  chmodSync(folder, 0o500)
  const result = await run(
    ['init', '--db', join(folder, 'a.db'), '--key-command', 'echo k', '--json'],
    ordinaryUser,
  )
  expect(errorOf(result)).toMatchObject({ code: 'IO', exit: 18 })
  expect(readdirSync(folder)).toEqual([])
})

test('a database in a folder that cannot be written can be read, and not migrated', async () => {
  const { words, folder } = await ownDatabase()
  chmodSync(folder, 0o500)
  const before = snapshot(folder)
  for (const command of ['stats', 'health', 'verify-schema', 'diagnose']) {
    expect(await run([command, ...words, '--json'], ordinaryUser)).toMatchObject({ code: 0 })
  }
  const down = await run(['migrate', 'down', '--to', '0', ...words, '--json'], ordinaryUser)
  expect(errorOf(down)).toMatchObject({ code: 'IO', exit: 18 })
  expect(snapshot(folder)).toEqual(before)
  chmodSync(folder, 0o700)
})

test('a database that cannot be read says so', async () => {
  const { words, db, folder } = await ownDatabase()
  chmodSync(db, 0)
  const result = await run(['stats', ...words, '--json'], ordinaryUser)
  expect(errorOf(result)).toMatchObject({
    code: 'IO',
    exit: 18,
    message: expect.stringContaining('permission denied'),
  })
  const diagnosis = await run(['diagnose', ...words, '--json'], ordinaryUser)
  expect(JSON.parse(diagnosis.stdout).cause).toBe('unreadable')
  chmodSync(folder, 0)
  expect(errorOf(await run(['stats', ...words, '--json'], ordinaryUser))).toMatchObject({ exit: 18 })
  chmodSync(folder, 0o700)
})

test('a key file that cannot be read says so', async () => {
  const { db, folder } = await ownDatabase()
  const key = keyFile('secret')
  chmodSync(key, 0)
  const result = await run(['stats', '--db', db, '--key-file', key, '--json'], ordinaryUser)
  expect(errorOf(result)).toMatchObject({
    code: 'KEY_SOURCE',
    exit: 13,
    message: expect.stringContaining(key),
  })
  expect(readdirSync(folder)).toEqual(['database.db', 'key'])
})
