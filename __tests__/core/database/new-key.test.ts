import { copyFileSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { inspectFile } from '../../../src/core/copy/inspect.ts'
import { discardUnneeded, type NewKey } from '../../../src/core/database/new-key.ts'
import { identify } from '../../../src/core/files/file-facts.ts'
import { Key } from '../../../src/core/keys/key.ts'
import { encryptDatabase } from '../../../src/core/operations/encrypt.ts'
import { initDatabase } from '../../../src/core/operations/init.ts'
import { rekeyDatabase } from '../../../src/core/operations/rekey.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { keys, makeDatabase } from '../../helpers/database.ts'
import { fixture, temporaryFolder } from '../../helpers/folder.ts'

const inspect = (request: Parameters<typeof inspectFile>[0]) => inspectFile(request)
const generated = (...digits: string[]) => new Key(`x'${(digits[0] ?? 'c3').repeat(32)}'`)

/** A generated key, and whether it was forgotten; `meanwhile` is what another process does. */
function losing(meanwhile: () => unknown): NewKey & { discarded: number } {
  const key: NewKey & { discarded: number } = {
    discarded: 0,
    read: async () => {
      await meanwhile()
      return generated()
    },
    discard: async () => {
      key.discarded++
    },
  }
  return key
}

/** A database that another process makes, under another key. */
async function theirs(): Promise<string> {
  const path = await makeDatabase()
  const newKey = { read: async () => generated('d4') }
  await rekeyDatabase({ path, keys, inspect, newKey })
  return path
}

test('a rekey that another one was quicker than forgets its key', async () => {
  const [path, other] = [await makeDatabase(), await theirs()]
  const newKey = losing(() => renameSync(other, path))
  await expect(rekeyDatabase({ path, keys, inspect, newKey })).rejects.toMatchObject({ code: 'WRONG_KEY' })
  expect(newKey.discarded).toBe(1)
})

test('an encrypt that another one was quicker than forgets its key', async () => {
  const [other, from, path] = [
    await theirs(),
    fixture('phase21-v1-plaintext.db'),
    join(temporaryFolder(), 'e.db'),
  ]
  const newKey = losing(() => copyFileSync(other, path))
  await expect(encryptDatabase({ path, from, inspect, newKey })).rejects.toMatchObject({ code: 'IO' })
  expect(newKey.discarded).toBe(1)
  expect(readFileSync(path).equals(readFileSync(other))).toBe(true)
})

test.each([0, 1])('an init that another one was quicker than (%d) forgets its key', async (reading) => {
  const [other, path] = [await theirs(), join(temporaryFolder(), 'i.db')]
  let readings = 0
  const newKey = losing(() => readings++ === reading && copyFileSync(other, path))
  const work = initDatabase({
    path,
    keys: async () => [generated()],
    migrations: await shippedMigrations(),
    inspect,
    newKey,
  })
  await expect(work).rejects.toMatchObject({ code: 'WRONG_KEY' })
  expect(newKey.discarded).toBe(1)
})

test('a key stays that the file which came into the place of another may need', async () => {
  const path = await makeDatabase()
  const salt = readFileSync(path).subarray(0, 16)
  const newKey = losing(() => {})
  await discardUnneeded(newKey, path, 'the one before', salt)
  const before = await identify(path)
  rmSync(path)
  await discardUnneeded(newKey, path, before, salt) // gone: nobody knows where to
  expect(newKey.discarded).toBe(0)
  await discardUnneeded(newKey, path, undefined, salt)
  expect(newKey.discarded).toBe(1)
})
