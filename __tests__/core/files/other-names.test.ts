import { copyFileSync, linkSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createBackup } from '../../../src/core/backup/backup.ts'
import { inspectFile } from '../../../src/core/copy/inspect.ts'
import { otherNames } from '../../../src/core/files/other-names.ts'
import { Key } from '../../../src/core/keys/key.ts'
import { encryptDatabase } from '../../../src/core/operations/encrypt.ts'
import { rekeyDatabase } from '../../../src/core/operations/rekey.ts'
import { restoreDatabase } from '../../../src/core/operations/restore.ts'
import { upgradeDatabase } from '../../../src/core/operations/upgrade.ts'
import { keys, makeDatabase, RAW_KEY } from '../../helpers/database.ts'
import { fixture, keyFile, PASSPHRASE, snapshot, temporaryFolder } from '../../helpers/folder.ts'
import { errorOf, run } from '../../helpers/run.ts'
import { onTerminal, testOnTerminal } from '../../helpers/terminal.ts'

const inspect = (request: Parameters<typeof inspectFile>[0]) => inspectFile(request)
const newKey = { read: async () => new Key(`x'${'c3'.repeat(32)}'`) }
type More = { otherNames?: boolean }

const REPLACING: [string, () => Promise<string>, (path: string, more: More) => Promise<unknown>][] = [
  ['rekey', makeDatabase, (path, more) => rekeyDatabase({ path, keys, inspect, newKey, ...more })],
  [
    'restore',
    makeDatabase,
    async (path, more) => {
      const { path: from } = await createBackup({ path, keys, inspect, folder: temporaryFolder() })
      return restoreDatabase({ path, keys, inspect, from, ...more })
    },
  ],
  [
    'encrypt',
    async () => fixture('phase21-v1-plaintext.db'),
    (path, more) => encryptDatabase({ path, inspect, newKey, ...more }),
  ],
  [
    'encrypt from another file that is to go',
    async () => fixture('phase21-v1-plaintext.db'),
    (path, more) =>
      encryptDatabase({ path: `${path}.new`, from: path, removePlaintext: true, inspect, newKey, ...more }),
  ],
  [
    'upgrade',
    async () => fixture('phase21-passphrase.sqlcipher3.db'),
    (path, more) => upgradeDatabase({ path, keys: async () => [new Key(PASSPHRASE)], inspect, ...more }),
  ],
]

test.each(REPLACING)(
  '%s refuses a file with two names before it touches anything',
  async (_name, make, work) => {
    const path = await make()
    const other = join(dirname(path), 'other')
    linkSync(path, other)
    const before = snapshot(dirname(path))
    await expect(work(path, {})).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining(other),
    })
    expect(snapshot(dirname(path))).toEqual(before)
    const { ino } = statSync(other)
    await work(path, { otherNames: true })
    expect(statSync(other).ino).toBe(ino)
  },
)

test('a name in another folder counts; what a killed run of ours left does not', async () => {
  const path = await makeDatabase()
  linkSync(path, join(temporaryFolder(), 'elsewhere'))
  linkSync(path, `${path}.before-restore-20200101T000000000Z`)
  linkSync(path, `${path}.rekey-2000000-20200101T000000000Z.old`)
  expect(await otherNames(path)).toEqual({ count: 1, here: [] })
  copyFileSync(path, `${path}.copy`)
  linkSync(path, `${path}.mine`)
  expect(await otherNames(path)).toEqual({ count: 2, here: [`${path}.mine`] })
})

async function withTwoNames() {
  const path = await makeDatabase()
  linkSync(path, join(dirname(path), 'other'))
  const key = keyFile(RAW_KEY)
  return { path, words: ['rekey', '--db', path, '--key-file', key, '--new-key-file', keyFile('next')] }
}

test('the command says what to add, and makes no key file', async () => {
  const { path, words } = await withTwoNames()
  const before = snapshot(dirname(path))
  const generated = join(dirname(path), 'generated')
  const refused = await run([...words.slice(0, -1), generated, '--generate-key', '--json'])
  expect(errorOf(refused)).toMatchObject({ code: 'INVALID', hint: expect.stringContaining('--yes') })
  expect(snapshot(dirname(path))).toEqual(before)
  expect(await run([...words, '--yes', '--json'])).toMatchObject({ code: 0 })
})

testOnTerminal('on a terminal it asks', async () => {
  const { words } = await withTwoNames()
  const { code, screen } = await onTerminal(words, [[/Go on\?/, 'n\r']])
  expect([code, screen]).toEqual([17, expect.stringContaining(basename('other'))])
})
