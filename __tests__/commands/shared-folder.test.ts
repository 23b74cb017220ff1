import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseWithChats, json, otherProgram } from '../helpers/chats.ts'
import { keyFile } from '../helpers/folder.ts'
import { errorOf, ordinaryUser, run } from '../helpers/run.ts'

const OWNER = 1234
const isRoot = process.getuid?.() === 0
const testAsRoot = isRoot ? test : test.skip

/** A database of a user in a folder that all may write; another user may read it. */
async function shared(mode = 0o644) {
  const made = await databaseWithChats()
  const own = keyFile('')
  const others = keyFile('')
  for (const [path, uid] of [
    [own, OWNER],
    [others, ordinaryUser.uid ?? 0],
  ] as const) {
    copyFileSync(made.key, path)
    for (const name of [path, join(path, '..')]) chownSync(name, uid, uid)
  }
  chownSync(made.db, OWNER, OWNER)
  chmodSync(made.db, mode)
  chmodSync(made.folder, 0o777)
  rmSync(made.key)
  return {
    ...made,
    reader: (...words: string[]) =>
      run([...words, '--db', made.db, '--key-file', others, '--json'], ordinaryUser),
    owner: (...words: string[]) =>
      run([...words, '--db', made.db, '--key-file', own, '--json'], { uid: OWNER }),
    ownKey: own,
  }
}

const privateCopies = () => readdirSync(tmpdir()).filter((name) => name.startsWith('libreollama-db-read-'))

describe(`a database of another user in a folder that all may write${isRoot ? '' : ' (needs root)'}`, () => {
  testAsRoot.each([
    ['reading', ['stats'], 0],
    ['a check', ['health'], 0],
    ['a diagnosis', ['diagnose'], 0],
    ['an export', ['export'], 0],
    ['writing, which is refused,', ['setting', 'set', 'theme', 'dark'], 18],
  ] as const)('%s leaves nothing that locks the owner out', async (_name, words, code) => {
    const { reader, owner, folder } = await shared()
    const left = privateCopies()
    expect(await reader(...words)).toMatchObject({ code })
    expect(readdirSync(folder)).toEqual(['database.db'])
    expect(privateCopies()).toEqual(left)
    expect(await owner('setting', 'set', 'theme', 'dark')).toMatchObject({ code: 0 })
  })

  testAsRoot('what waits in the -wal is read, from whoever left it, with and without its -shm', async () => {
    const { reader, owner, db, folder, ownKey } = await shared()
    const program = await otherProgram(db, ownKey)
    await program.call('PRAGMA wal_autocheckpoint = 0')
    await program.call("INSERT INTO settings (key, value) VALUES ('waiting', '1')")
    expect(JSON.parse((await reader('setting', 'get', 'waiting')).stdout)).toMatchObject({ value: '1' })
    await program.close()
    for (const folderMode of [0o777, 0o755]) {
      rmSync(`${db}-shm`, { force: true })
      chmodSync(folder, folderMode)
      expect(JSON.parse((await reader('setting', 'get', 'waiting')).stdout)).toMatchObject({ value: '1' })
      expect(readdirSync(folder)).toEqual(['database.db', 'database.db-wal'])
    }
    chmodSync(folder, 0o777)
    expect(await owner('setting', 'set', 'theme', 'dark')).toMatchObject({ code: 0 })
  })

  testAsRoot('what is read is one state while the owner writes', async () => {
    const { reader, db, ownKey, folder } = await shared()
    const program = await otherProgram(db, ownKey)
    await program.call('PRAGMA wal_autocheckpoint = 3')
    let writing = true
    const pairs = (async () => {
      for (let n = 0; writing; n++) {
        await program.call(`INSERT INTO settings (key, value) VALUES ('a${n}', '1'), ('b${n}', '1')`)
      }
    })()
    const sql = "SELECT sum(key GLOB 'a[0-9]*') - sum(key GLOB 'b[0-9]*') AS n FROM settings"
    for (let round = 0; round < 3; round++) {
      expect(JSON.parse((await reader('query', sql)).stdout)).toEqual([{ n: 0 }])
    }
    writing = false
    await pairs
    await program.close()
    expect(readdirSync(folder).every((name) => statSync(join(folder, name)).uid !== ordinaryUser.uid)).toBe(
      true,
    )
  })

  testAsRoot('the copy that a killed reader left goes with the next one of that user', async () => {
    const { reader } = await shared()
    const dead = join(tmpdir(), 'libreollama-db-read-2000000-XXXXXX')
    spawnSync('mkdir', ['-m', '700', dead])
    writeFileSync(join(dead, 'database.db'), 'encrypted')
    await reader('stats')
    expect(privateCopies()).toContain('libreollama-db-read-2000000-XXXXXX') // another user's
    for (const path of [dead, join(dead, 'database.db')]) chownSync(path, ordinaryUser.uid ?? 0, 0)
    await reader('stats')
    expect(privateCopies()).not.toContain('libreollama-db-read-2000000-XXXXXX')
  })
})

testAsRoot('a database that its owner made read-only for a while is written again afterwards', async () => {
  const { owner, db, folder } = await shared(0o444)
  expect(await owner('stats')).toMatchObject({ code: 0 })
  expect(readdirSync(folder)).toEqual(['database.db'])
  expect(errorOf(await owner('setting', 'set', 'theme', 'dark'))).toMatchObject({ code: 'IO' })
  chmodSync(db, 0o644)
  expect(await owner('setting', 'set', 'theme', 'dark')).toMatchObject({ code: 0 })
})

testAsRoot("root's -wal belongs to the owner of the database, also after root was killed", async () => {
  const { db, folder, ownKey, owner } = await shared()
  const rootKey = keyFile('')
  copyFileSync(ownKey, rootKey)
  const program = await otherProgram(db, rootKey)
  await program.call("INSERT INTO settings (key, value) VALUES ('waiting', '1')")
  await program.close()
  for (const name of readdirSync(folder))
    expect([name, statSync(join(folder, name)).uid]).toEqual([name, OWNER])
  expect(JSON.parse((await owner('setting', 'get', 'waiting')).stdout)).toMatchObject({ value: '1' })
  expect(await json(['setting', 'get', 'waiting', '--db', db, '--key-file', rootKey])).toMatchObject({
    value: '1',
  })
})
