import { spawn } from 'node:child_process'
import { cpSync, existsSync, linkSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { countMessages, DRIVER, databaseWithChats, json, otherProgram } from '../helpers/chats.ts'
import { durable, fixture, keyFile, PASSPHRASE, snapshot } from '../helpers/folder.ts'
import { errorOf, run } from '../helpers/run.ts'

const NEW_KEY = `x'${'c3'.repeat(32)}'\n`

async function madeForRekey() {
  const made = await databaseWithChats()
  const next = keyFile(NEW_KEY)
  return {
    ...made,
    next,
    rekey: ['rekey', '--new-key-file', next, ...made.words],
    after: ['--db', made.db, '--key-file', next],
  }
}

test('the new key opens the database, the old one does not, and everything is there', async () => {
  const { db, words, rekey, after, folder } = await madeForRekey()
  const salt = readFileSync(db).subarray(0, 16)
  expect(await json(rekey)).toMatchObject({ changed: true, counts: { chat_messages: 9 }, key_file: null })
  expect(await countMessages(after)).toBe(9)
  expect(errorOf(await run(['stats', ...words, '--json'])).exit).toBe(12)
  expect((await run(['health', ...after])).code).toBe(0)
  expect(statSync(db).mode & 0o777).toBe(0o600)
  expect(readFileSync(db).subarray(0, 16).equals(salt)).toBe(false)
  expect((await json(['query', 'PRAGMA journal_mode', ...after]))[0]).toEqual({ journal_mode: 'wal' })
  expect(Object.keys(snapshot(folder))).toEqual(['database.db', 'key'])
})

test('a passphrase becomes a key that is generated, and the other way round', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const generated = join(db, '..', 'generated')
  const to = ['rekey', '--db', db, '--key-file', keyFile(), '--new-key-file', generated, '--generate-key']
  expect(await json(to)).toMatchObject({ changed: true, key_file: generated })
  expect(statSync(generated).mode & 0o777).toBe(0o600)
  const back = ['rekey', '--db', db, '--key-file', generated, '--new-key-command', `echo "${PASSPHRASE}"`]
  expect(await json(back)).toMatchObject({ changed: true, counts: { chat_messages: 226 } })
  expect(await countMessages(['--db', db, '--key-file', keyFile()])).toBe(226)
})

test('a dry run proves the copy and leaves every byte as it was', async () => {
  const { rekey, folder } = await madeForRekey()
  const before = snapshot(folder)
  expect(await json([...rekey, '--dry-run'])).toMatchObject({
    changed: false,
    dry_run: true,
    counts: { chat_messages: 9 },
  })
  const made = join(folder, 'made')
  await json([...rekey.slice(0, 1), '--new-key-file', made, '--generate-key', '--dry-run', ...rekey.slice(3)])
  expect(snapshot(folder)).toEqual(before)
})

test('once more with the same keys finds it done', async () => {
  const { rekey, after } = await madeForRekey()
  await json(rekey)
  expect(await json(rekey)).toMatchObject({ changed: false })
  expect(await countMessages(after)).toBe(9)
})

test('it says which backups need the key from before', async () => {
  const { rekey, words } = await madeForRekey()
  const { path } = await json(['backup', ...words])
  expect((await json(rekey)).backups_with_other_key).toEqual([path])
})

/** A command that prints another key each time it is called. */
const fickle = (folder: string) =>
  `echo x >> '${folder}/calls'; printf "key%s" "$(wc -l < '${folder}/calls')"`

test.each([
  ['the new key is the old one', async (made: Made) => ['--new-key-file', made.key], 6],
  ['there is no new key file', async () => ['--new-key-file', '/none'], 13],
  ['the new key is empty', async () => ['--new-key-file', keyFile('')], 13],
  ['no new key is named', async () => [], 2],
  ['two new keys are named', async () => ['--new-key-file', 'a', '--new-key-command', 'b'], 2],
  ['a key is to be generated nowhere', async () => ['--generate-key'], 2],
  [
    'a key is to be generated over another',
    async (made: Made) => ['--new-key-file', made.key, '--generate-key'],
    13,
  ],
  [
    'the command gives another key the second time',
    async () => ['--new-key-command', fickle(keyFile('').replace(/key$/, ''))],
    13,
  ],
  ['there is no keychain', async () => ['--new-keychain'], 13],
] as const)('nothing is touched when %s', async (_case, flags, exit) => {
  const made = await databaseWithChats()
  const before = snapshot(made.folder)
  const result = await run(['rekey', ...(await flags(made)), ...made.words, '--json'])
  expect(errorOf(result).exit).toBe(exit)
  expect(snapshot(made.folder)).toEqual(before)
})

type Made = Awaited<ReturnType<typeof databaseWithChats>>

test('a wrong old key is exit 12, and a key file that was generated for it goes again', async () => {
  const { db, folder } = await databaseWithChats()
  const before = snapshot(folder)
  const made = join(folder, 'made')
  const words = [
    'rekey',
    '--db',
    db,
    '--key-file',
    keyFile('wrong'),
    '--new-key-file',
    made,
    '--generate-key',
    '--json',
  ]
  expect(errorOf(await run(words)).exit).toBe(12)
  expect(snapshot(folder)).toEqual(before)
})

test.each(['wal', 'delete'])(
  'while an idle program has the database open (%s) it is exit 11 and nothing is touched',
  async (mode) => {
    const { db, key, rekey, folder, words } = await madeForRekey()
    const other = await otherProgram(db, key)
    await other.call(`PRAGMA journal_mode = ${mode}`)
    await other.call('SELECT count(*) FROM chat_messages')
    const before = durable(folder)
    expect(errorOf(await run([...rekey, '--lock-timeout', '0.3', '--json'])).exit).toBe(11)
    expect(durable(folder)).toEqual(before)
    await other.close()
    expect(await countMessages(words)).toBe(9)
    expect(await json(rekey)).toMatchObject({ changed: true })
  },
)

test('raced 50 times against a program that opens, writes and closes, no acknowledged row is lost', async () => {
  const { db, key, folder, words } = await databaseWithChats()
  // Another program in a loop: each row that was acknowledged is written down; it stops when the key changes.
  const script = join(folder, 'writer.cjs')
  writeFileSync(
    script,
    `const s = require(${JSON.stringify(DRIVER)}); const fs = require('fs')
    const key = fs.readFileSync(${JSON.stringify(key)}, 'utf8').trim(); let n = 0
    function once() {
      const d = new s.Database(${JSON.stringify(db)}, s.OPEN_READWRITE, () => {
        d.configure('busyTimeout', 50)
        d.exec('PRAGMA cipher_log_level = NONE; PRAGMA key = "' + key + '"', () => {
          const id = 'w' + process.pid + '-' + n++
          d.run("INSERT INTO settings (key, value) VALUES ('" + id + "', '1')", (error) => {
            if (!error) fs.appendFileSync(${JSON.stringify(join(folder, 'acknowledged'))}, id + '\\n')
            if (error && error.code === 'SQLITE_NOTADB') process.exit(0)
            setTimeout(() => d.close(() => setTimeout(once, 5)), Math.random() * 30)
          })
        })
      })
    }
    once()`,
  )
  const acknowledged = () =>
    existsSync(join(folder, 'acknowledged'))
      ? readFileSync(join(folder, 'acknowledged'), 'utf8').trim().split('\n')
      : []
  const keys = [key, keyFile(NEW_KEY)]
  const results: (number | null)[] = []
  let writer = spawn(process.execPath, [script])
  for (let round = 0; round < 50; round++) {
    const [from = '', to = ''] = keys
    const result = await run([
      'rekey',
      '--db',
      db,
      '--key-file',
      from,
      '--new-key-file',
      to,
      '--lock-timeout',
      '0.05',
      '--json',
    ])
    results.push(result.code)
    expect([0, 11]).toContain(result.code)
    if (result.code !== 0) continue
    // Back to the first key, with which the other program goes on.
    writer.kill()
    await json(['rekey', '--db', db, '--key-file', to, '--new-key-file', from])
    writer = spawn(process.execPath, [script])
  }
  writer.kill()
  const stored = (await json(['query', "SELECT key FROM settings WHERE key LIKE 'w%'", ...words])) as {
    key: string
  }[]
  const present = new Set(stored.map((row) => row.key))
  expect(acknowledged().length).toBeGreaterThan(10)
  expect(acknowledged().filter((id) => !present.has(id))).toEqual([])
  expect((await run(['health', ...words])).code).toBe(0)
}, 180_000)

const DEAD = '2000000-20200101T000000000Z'

test.each([
  ['before the swap', 'undone', (db: string) => writeFileSync(`${db}.rekey-${DEAD}.new`, 'half')],
  [
    'between the two steps of the swap',
    'undone',
    (db: string) => {
      writeFileSync(`${db}.rekey-${DEAD}.new`, 'whole')
      linkSync(db, `${db}.rekey-${DEAD}.old`)
    },
  ],
  ['after the swap', 'finished', (db: string) => cpSync(db, `${db}.rekey-${DEAD}.old`)],
])('what a rekey killed %s left is %s by key status, and by health', async (_when, outcome, leave) => {
  const { db, words, folder } = await databaseWithChats()
  const names = readdirSync(folder)
  leave(db)
  expect((await json(['key', 'status', ...words])).recovered).toEqual([{ operation: 'rekey', outcome }])
  expect(readdirSync(folder)).toEqual(names)
  leave(db)
  const { checks } = await json(['health', '--quick', ...words])
  expect(checks[0]).toMatchObject({ name: 'interrupted', message: expect.stringContaining(outcome) })
  expect(readdirSync(folder)).toEqual(names)
  expect(await countMessages(words)).toBe(9)
})

test('what belongs to an operation that still runs is left alone', async () => {
  const { db, words, folder } = await databaseWithChats()
  const stamp = new Date().toISOString().replace(/[-:.]/g, '')
  writeFileSync(`${db}.rekey-${process.pid}-${stamp}.new`, 'half')
  const names = readdirSync(folder)
  expect((await json(['key', 'status', ...words])).recovered).toEqual([])
  expect(readdirSync(folder)).toEqual(names)
})
