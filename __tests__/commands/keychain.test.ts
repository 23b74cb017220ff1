import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { countMessages, databaseWithChats, json } from '../helpers/chats.ts'
import { snapshot, socketFolder, temporaryFolder } from '../helpers/folder.ts'
import { startKeychain, testWithKeychain } from '../helpers/keychain.ts'
import { errorOf, run } from '../helpers/run.ts'

let keychain: Awaited<ReturnType<typeof startKeychain>> | undefined
const env = async () => {
  keychain ??= await startKeychain()
  return keychain.env
}
afterAll(() => keychain?.stop())

testWithKeychain(
  'init puts a generated key into the keychain, where every command finds it by itself',
  async () => {
    const [db, environment] = [join(temporaryFolder(), 'c.db'), await env()]
    expect(await json(['init', '--db', db, '--keychain'], environment)).toMatchObject({
      created: true,
      keychain: true,
    })
    expect(await json(['stats', '--db', db], environment)).toMatchObject({ total_settings: 6 })
    expect(await json(['key', 'status', '--db', db], environment)).toMatchObject({
      source: 'the keychain of the system',
      opens: true,
      keychain: 'stored',
    })
    expect(errorOf(await run(['stats', '--db', db, '--json'])).exit).toBe(13)
  },
)

testWithKeychain(
  'the entry is found by the salt, so a moved file and its backups are recognised',
  async () => {
    const [folder, environment] = [temporaryFolder(), await env()]
    const db = join(folder, 'c.db')
    await json(['init', '--db', db, '--keychain'], environment)
    const { path } = await json(['backup', '--db', db], environment)
    mkdirSync(join(folder, 'moved'))
    cpSync(db, join(folder, 'moved', 'other.db'))
    for (const copy of [path, join(folder, 'moved', 'other.db')]) {
      expect(await json(['stats', '--db', copy], environment)).toMatchObject({ total_settings: 6 })
    }
  },
)

testWithKeychain('rekey stores the new key before the swap and keeps the one from before', async () => {
  const environment = await env()
  const { db, words } = await databaseWithChats()
  const { path } = await json(['backup', ...words])
  await json(['key', 'store', ...words], environment)
  const report = await json(['rekey', '--db', db, '--new-keychain'], environment)
  expect(report).toMatchObject({ changed: true, backups_with_other_key: [path] })
  expect((await json(['stats', '--db', db], environment)).total_messages).toBe(9)
  // The backup's own entry is still there.
  expect((await json(['stats', '--db', path], environment)).total_messages).toBe(9)
  expect(await json(['backup', 'list', '--db', db], environment)).toMatchObject([{ opens_with: 'other' }])
  await json(['restore', 'latest', '--db', db], environment)
  expect((await json(['stats', '--db', db], environment)).total_messages).toBe(9)
})

testWithKeychain('store, forget, and the sheet of paper back into the keychain', async () => {
  const environment = await env()
  const { db, words, folder } = await databaseWithChats()
  const sheet = join(folder, 'sheet')
  await json(['key', 'export', '--paper', '--out', sheet, ...words])
  await json(['key', 'store', ...words], environment)
  expect((await json(['stats', '--db', db], environment)).total_messages).toBe(9)
  expect((await run(['key', 'forget', '--db', db], { env: environment })).code).toBe(2) // wants a yes
  expect(await json(['key', 'forget', '--db', db, '--yes'], environment)).toMatchObject({ forgotten: true })
  expect(await json(['key', 'forget', '--db', db], environment)).toMatchObject({ forgotten: false })
  expect(errorOf(await run(['stats', '--db', db, '--keychain', '--json'], { env: environment })).exit).toBe(
    13,
  )
  await json(['key', 'import', sheet, '--keychain', '--db', db], environment)
  expect((await json(['stats', '--db', db, '--keychain'], environment)).total_messages).toBe(9)
})

test('without a keychain --keychain is exit 13, and nothing is made instead', async () => {
  const folder = temporaryFolder()
  const db = join(folder, 'c.db')
  const error = errorOf(await run(['init', '--db', db, '--keychain', '--json'], { env: { HOME: folder } }))
  expect(error).toMatchObject({ exit: 13, hint: expect.stringContaining('--key-file') })
  expect(snapshot(folder)).toEqual({})
})

test('a keychain that never answers is given up after the time limit', async () => {
  const socket = join(socketFolder(), 'bus')
  const server = createServer(() => {}).listen(socket)
  const { words } = await databaseWithChats()
  const environment = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` }
  const began = Date.now()
  const named = await run(['stats', ...words.slice(0, 2), '--keychain', '--lock-timeout', '1', '--json'], {
    env: environment,
  })
  expect(errorOf(named)).toMatchObject({
    exit: 13,
    message: expect.stringContaining('did not answer within 1 s'),
  })
  expect(Date.now() - began).toBeLessThan(8000)
  const unnamed = await run(['stats', ...words.slice(0, 2), '--lock-timeout', '1', '--json'], {
    env: environment,
  })
  expect(errorOf(unnamed)).toMatchObject({ exit: 13, message: expect.stringContaining('no key was given') })
  server.close()
})

testWithKeychain('a failure after the key was stored takes it back', async () => {
  const environment = await env()
  const { db, words, key, folder } = await databaseWithChats()
  const { otherProgram } = await import('../helpers/chats.ts')
  const other = await otherProgram(db, key)
  await other.call('SELECT 1 FROM settings')
  const result = await run(['rekey', '--new-keychain', '--lock-timeout', '0.3', ...words, '--json'], {
    env: environment,
  })
  expect(errorOf(result).exit).toBe(11)
  await other.close()
  expect(existsSync(db)).toBe(true)
  expect(await countMessages(words)).toBe(9)
  expect(readdirSync(folder).filter((name) => /\.(new|old)$/.test(name))).toEqual([])
})
