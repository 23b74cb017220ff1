import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createWholeFile } from '../../../src/core/files/durable-file.ts'
import { Key } from '../../../src/core/keys/key.ts'
import { generateKeyFile } from '../../../src/core/keys/key-file.ts'
import { initDatabase } from '../../../src/core/operations/init.ts'
import { inspectElsewhere } from '../../../src/helper-programs.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const LEFT = '.key-1-20200101T000000000Z.new'

test('a key file is whole, for its owner alone, and what a killed run left beside it is gone', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, `k${LEFT}`), "x'12")
  const { path, discard } = await generateKeyFile(join(folder, 'k'))
  expect(readFileSync(path, 'utf8')).toMatch(/^x'[0-9a-f]{64}'\n$/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['k'])
  await discard()
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['a file', (path: string) => writeFileSync(path, 'mine')],
  ['a folder', (path: string) => mkdirSync(path)],
])('where there is %s already nothing is written', async (_what, make) => {
  const folder = temporaryFolder()
  make(join(folder, 'k'))
  await expect(generateKeyFile(join(folder, 'k'))).rejects.toMatchObject({ code: 'KEY_SOURCE' })
  await expect(createWholeFile(join(folder, 'k'), 'sheet')).rejects.toMatchObject({ code: 'EEXIST' })
  expect(readdirSync(folder)).toEqual(['k'])
})

test('a generated key goes again when there can be no folder for the database', async () => {
  const folder = temporaryFolder()
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
  const { discard } = await generateKeyFile(join(folder, 'k'))
  const key = new Key(`x'${'5a'.repeat(32)}'`)
  const making = initDatabase({
    path: join(folder, 'link', 'c.db'),
    keys: async () => [key],
    newKey: { read: async () => key, discard },
    migrations: await shippedMigrations(),
    inspect: inspectElsewhere,
  })
  await expect(making).rejects.toMatchObject({ code: 'IO' })
  expect(readdirSync(folder)).toEqual(['link'])
})
