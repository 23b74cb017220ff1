import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, truncateSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createBackup } from '../../../src/core/backup/backup.ts'
import { verifyBackup } from '../../../src/core/backup/verify-backup.ts'
import { inspectFile } from '../../../src/core/copy/inspect.ts'
import { withDatabase } from '../../../src/core/database/database.ts'
import { makeFolderFor } from '../../../src/core/files/new-file.ts'
import { giveFolderTo, giveTo } from '../../../src/core/files/owner.ts'
import { Key } from '../../../src/core/keys/key.ts'
import { generateKeyFile } from '../../../src/core/keys/key-file.ts'
import { encryptDatabase } from '../../../src/core/operations/encrypt.ts'
import { initDatabase } from '../../../src/core/operations/init.ts'
import { migrate } from '../../../src/core/operations/migrate.ts'
import { rekeyDatabase } from '../../../src/core/operations/rekey.ts'
import { restoreDatabase } from '../../../src/core/operations/restore.ts'
import { planMigrations } from '../../../src/core/schema/migrations.ts'
import { exportChats } from '../../../src/core/transfer/export/export-chats.ts'
import { atOneMoment } from '../../../src/core/transfer/export/exported-chats.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { keys, makeDatabase, RAW_KEY } from '../../helpers/database.ts'
import { fixture, temporaryFolder } from '../../helpers/folder.ts'

const inspect = (request: Parameters<typeof inspectFile>[0]) => inspectFile(request)
const OTHER = new Key(`x'${'c3'.repeat(32)}'`)
const newKey = { read: async () => new Key(RAW_KEY) }

const isRoot = process.getuid?.() === 0
const testAsRoot = isRoot ? test : test.skip
const USER = 1234
const GROUP = 4321

/** Owner, group and permissions of a path, or of all below a folder. */
const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8)
const ownerOf = (path: string) => `${lstatSync(path).uid}:${lstatSync(path).gid} ${modeOf(path)}`
const allOf = (folder: string) =>
  new Set(
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => ownerOf(join(folder, name))),
  )

/** A database that a user shares with a group, in a folder of root's. */
async function usersDatabase(): Promise<string> {
  const path = await makeDatabase()
  chownSync(path, USER, GROUP)
  chmodSync(path, 0o640)
  return path
}

const MINE = `${USER}:${GROUP} 600`
const FOLDER = `${USER}:${GROUP} 700`

const TO_A_USER: [string, (db: string) => Promise<unknown>, string[]][] = [
  ['rekey', async (path) => rekeyDatabase({ path, keys, inspect, newKey: { read: async () => OTHER } }), []],
  ['a backup', async (path) => createBackup({ path, keys, inspect }), [FOLDER, MINE]],
  [
    'a backup that is looked at again',
    async (path) => verifyBackup((await createBackup({ path, keys, inspect })).path, { keys, inspect }),
    [FOLDER, MINE],
  ],
  [
    'a backup in folders of another name',
    async (path) => createBackup({ path, keys, inspect, folder: join(dirname(path), 'a', 'b') }),
    [FOLDER, MINE],
  ],
  [
    'the copy before a migration',
    async (path) =>
      withDatabase({ path, keys, access: 'write' }, async (db) => {
        const migrations = await shippedMigrations()
        await migrate(db, {
          backup: { inspect },
          plan: (applied) => planMigrations(migrations, applied, 'down', 1),
        })
      }),
    [FOLDER, MINE],
  ],
  [
    'restore',
    async (path) =>
      restoreDatabase({ path, keys, inspect, from: (await createBackup({ path, keys, inspect })).path }),
    [FOLDER, MINE, `${USER}:${GROUP} 640`],
  ],
  [
    'restore to a new file',
    async (path) => {
      const from = (await createBackup({ path, keys, inspect })).path
      await restoreDatabase({ path: join(dirname(path), 'new.db'), keys, inspect, from, toNew: true })
    },
    [FOLDER, MINE],
  ],
  ['a key file', async (path) => generateKeyFile(join(dirname(path), 'keys', 'key'), path), [FOLDER, MINE]],
  ['a key file beside it', async (path) => generateKeyFile(join(dirname(path), 'key'), path), [MINE]],
  ['an export', async (path) => exportTo(path, 'jsonl', 'chats.jsonl'), [MINE]],
  ['an export as a folder', async (path) => exportTo(path, 'markdown', 'chats'), [FOLDER, MINE]],
]

async function exportTo(path: string, format: string, name: string): Promise<void> {
  const insert = "INSERT INTO chat_sessions (id, title) VALUES ('s', 'bread')"
  await withDatabase({ path, keys, access: 'write' }, (db) => db.transaction((writer) => writer.run(insert)))
  await withDatabase({ path, keys }, (db) =>
    atOneMoment(db, (reader) =>
      exportChats(reader, { format, selection: {}, out: join(dirname(path), name), source: path }),
    ),
  )
}

describe(`what root makes of a user's database${isRoot ? '' : ' (needs root)'}`, () => {
  testAsRoot.each(TO_A_USER)('%s belongs to the user', async (_name, work, others) => {
    const path = await usersDatabase()
    await work(path)
    expect(ownerOf(path)).toBe(`${USER}:${GROUP} 640`)
    expect([...allOf(dirname(path))].sort()).toEqual([...new Set([...others, `${USER}:${GROUP} 640`])].sort())
  })

  testAsRoot('encrypt closes to all but the owner and the group what was open to all', async () => {
    const path = fixture('phase21-v1-plaintext.db')
    chownSync(path, USER, GROUP)
    chmodSync(path, 0o644)
    const report = await encryptDatabase({ path, inspect, newKey })
    expect(ownerOf(path)).toBe(`${USER}:${GROUP} 640`)
    expect(ownerOf(report.plaintext ?? '')).toBe(`${USER}:${GROUP} 644`)
  })

  testAsRoot('init in the folder of a user makes folders and a database of his', async () => {
    const folder = temporaryFolder()
    chownSync(folder, USER, GROUP)
    const path = join(folder, 'a', 'b', 'database.db')
    await initDatabase({ path, keys, migrations: await shippedMigrations(), inspect })
    expect(allOf(folder)).toEqual(new Set([FOLDER, MINE]))
  })

  testAsRoot("a copy in the folder of another user is that one's", async () => {
    const path = await usersDatabase()
    const folder = temporaryFolder()
    chownSync(folder, 77, 77)
    await createBackup({ path, keys, inspect, folder })
    expect(allOf(folder)).toEqual(new Set(['77:77 600']))
  })

  testAsRoot('where it may not be given away, it is made all the same, and that is told', async () => {
    const told: string[] = []
    const file = await open(join(temporaryFolder(), 'file'), 'w', 0o600)
    const refusing = Object.assign(file, { chown: async () => Promise.reject(new Error('EINVAL')) })
    await giveTo(refusing, { uid: USER, gid: GROUP, mode: 0o664, onRefused: () => told.push('refused') })
    expect([told, ((await file.stat()).mode & 0o777).toString(8)]).toEqual([['refused'], '604'])
    await file.close()
  })

  testAsRoot('a link in the place of a folder that was made is not followed', async () => {
    const folder = temporaryFolder()
    const target = join(folder, 'target')
    mkdirSync(target)
    symlinkSync(target, join(folder, 'link'))
    await giveFolderTo(join(folder, 'link'), { uid: USER, gid: GROUP, mode: 0o700 })
    expect(lstatSync(target).uid).toBe(0)
  })
})

test.each([0o640, 0o660])('a file that is replaced keeps its mode (%d)', async (mode) => {
  const path = await makeDatabase()
  chmodSync(path, mode)
  await rekeyDatabase({ path, keys, inspect, newKey: { read: async () => OTHER } })
  expect(modeOf(path)).toBe(mode.toString(8))
})

test('a damaged database that must not be written is restored as one that must not be written', async () => {
  const path = await makeDatabase()
  const { path: from } = await createBackup({ path, keys, inspect })
  truncateSync(path, 5000)
  chmodSync(path, 0o400)
  await restoreDatabase({ path, keys, inspect, from })
  expect(modeOf(path)).toBe('400')
})

test('a folder that is there is left as it is', async () => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  expect(await makeFolderFor(join(folder, 'file'))).toBe(undefined)
  expect(modeOf(folder)).toBe('755')
})
