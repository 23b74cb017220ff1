import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { withDatabase } from '../../src/core/database/database.ts'
import { parseKey } from '../../src/core/keys/key.ts'
import { json } from '../helpers/chats.ts'
import { fixture, keyFile, newDatabase, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, ordinaryUser, run } from '../helpers/run.ts'

const said = (id: string, role: string, text: string, parent: string | null, time: number) => ({
  id,
  parent,
  children: [],
  message: {
    id,
    author: { role },
    create_time: time,
    content: { content_type: 'text', parts: [text] },
    metadata: {},
  },
})

/** A conversation of ChatGPT's export: a question with its answers, the last of which is the current one. */
function chat(id: string, answers: [string, string][] = [['a', 'Fine.']]) {
  const nodes = [
    said('q', 'user', 'How are you?', null, 1700000000),
    ...answers.map(([node, text], index) => said(node, 'assistant', text, 'q', 1700000010 + index)),
  ]
  return {
    id,
    title: id,
    create_time: 1700000000,
    update_time: 1700000010 + answers.length,
    current_node: nodes.at(-1)?.id,
    mapping: Object.fromEntries(nodes.map((node) => [node.id, node])),
  }
}

function folderOf(files: Record<string, string | Buffer>): string {
  const folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

const CHATS = JSON.stringify([chat('one'), chat('two')])

test.each([
  [
    'an archive that is broken',
    (folder: string) => writeFileSync(join(folder, 'b.zip'), 'PK\x03\x04garbage'),
  ],
  ['a link that leads nowhere', (folder: string) => symlinkSync('/nonexistent/x', join(folder, 'b.json'))],
  ['a link to itself', (folder: string) => symlinkSync('b.json', join(folder, 'b.json'))],
  [
    'a name that is not UTF-8',
    (folder: string) => writeFileSync(Buffer.from(`${folder}/b\xff.json`, 'latin1'), '[]'),
  ],
  ['JSON cut short', (folder: string) => writeFileSync(join(folder, 'b.json'), CHATS.slice(0, -30))],
])('in a folder with %s the rest comes in, and what does not is told', async (_what, add) => {
  const { words } = await newDatabase()
  const folder = folderOf({ 'a.json': CHATS, 'z.json': JSON.stringify([chat('three')]) })
  add(folder)
  const result = await run(['import', folder, ...words, '--json'])
  expect(result).toMatchObject({ code: 6, stderr: '' })
  const report = JSON.parse(result.stdout)
  expect(report).toMatchObject({ sessions_added: 3, refused: 1 })
  expect(report.refusals[0]).toMatchObject({
    file: expect.stringMatching(/^b/),
    reason: expect.stringMatching(/\S/),
  })
})

test('in a folder with a damaged database, and one that may not be read, the rest comes in', async () => {
  const { words, folder: home } = await newDatabase()
  const folder = folderOf({ 'z.json': CHATS })
  const damaged = join(folder, 'damaged.db')
  copyFileSync(fixture('app-v14-plaintext.db'), damaged)
  const truncate = spawnSync('dd', [
    'if=/dev/zero',
    `of=${damaged}`,
    'bs=4096',
    'seek=1',
    'count=3',
    'conv=notrunc',
  ])
  expect(truncate.status).toBe(0)
  writeFileSync(join(folder, 'secret.json'), CHATS, { mode: 0o000 })
  mkdirSync(join(folder, 'closed'), { mode: 0o000 })
  for (const [path, mode] of [
    [folder, 0o777],
    [home, 0o777],
  ] as const)
    chmodSync(path, mode)
  if (ordinaryUser.uid !== undefined)
    spawnSync('chown', [
      '-R',
      String(ordinaryUser.uid),
      home,
      ...['secret.json', 'z.json', 'damaged.db'].map((name) => join(folder, name)),
    ])
  const result = await run(['import', folder, ...words, '--json'], ordinaryUser)
  const report = JSON.parse(result.stdout)
  expect([report.sessions_added, result.code]).toEqual([2, 6])
  expect(report.refusals.map(({ file }: { file: string }) => file).sort()).toEqual(
    expect.arrayContaining(['closed', 'secret.json']),
  )
})

test.each([
  ['a folder entry of another kind', [{ id: 'f', title: 'x' }, chat('one')]],
  ['null', [null, chat('one')]],
])('%s before the first conversation does not hide those that follow', async (_what, values) => {
  const { words, folder } = await newDatabase()
  const path = join(folder, 'c.json')
  writeFileSync(path, JSON.stringify(values))
  const result = await run(['import', path, ...words, '--json'])
  expect(result.code).toBe(6)
  expect(JSON.parse(result.stdout)).toMatchObject({ sessions_added: 1, refused: 1 })
})

test('a pipe is refused in plain words instead of being waited for', async () => {
  const { words, folder } = await newDatabase()
  const path = join(folder, 'pipe')
  expect(spawnSync('mkfifo', [path]).status).toBe(0)
  const error = errorOf(await run(['import', path, ...words, '--json']))
  expect(error).toMatchObject({ exit: 2, message: expect.stringMatching(/read only once/) })
})

test.each([
  ['an empty path', ['']],
  ['a time zone that does not exist', ['x.json', '--source-timezone', 'Nope/Zone']],
])('%s is a usage error', async (_what, parameters) => {
  const { words } = await newDatabase()
  expect(errorOf(await run(['import', ...parameters, ...words, '--json'])).exit).toBe(2)
})

test('replace and newer take away what the source does not have any more, but not what was written by hand', async () => {
  const { words, folder } = await newDatabase()
  const path = join(folder, 'c.json')
  writeFileSync(path, JSON.stringify([chat('c')]))
  await json(['import', path, ...words])
  const [session] = await json(['session', 'list', ...words])
  await json(['message', 'create', '--session', session.id, '--role', 'user', '--content', 'mine', ...words])
  writeFileSync(
    path,
    JSON.stringify([
      chat('c', [
        ['a', 'Fine.'],
        ['b', 'Splendid.'],
      ]),
    ]),
  )
  const contents = async () =>
    (await json(['message', 'list', '--session', session.id, ...words])).map(
      ({ content }: { content: string }) => content,
    )
  await json(['import', path, ...words]) // adds only what is new
  expect((await contents()).sort()).toEqual(['Fine.', 'How are you?', 'Splendid.', 'mine'])
  const replaced = ['import', path, '--on-conflict', 'replace', ...words]
  expect(await json([...replaced, '--dry-run'])).toMatchObject({ messages_removed: 1, sessions_updated: 1 })
  expect(await json(replaced)).toMatchObject({ messages_removed: 1, sessions_updated: 1 })
  expect((await contents()).sort()).toEqual(['How are you?', 'Splendid.', 'mine'])
  expect(await json(replaced)).toMatchObject({
    messages_removed: 0,
    sessions_updated: 0,
    sessions_unchanged: 1,
  })
})

test('settings that nobody chose give way to those that come, others stay unless they are to be replaced', async () => {
  const { words, folder } = await newDatabase()
  const line = (key: string, value: string) =>
    `${JSON.stringify({ type: 'setting', key, value, created_at: 'x', updated_at: 'y' })}\n`
  const path = join(folder, 's.jsonl')
  writeFileSync(
    path,
    `{"libreollama_db_export":1,"whole":false}\n${line('theme', 'dark')}${line('max_tokens', '9')}`,
  )
  await json(['setting', 'set', 'max_tokens', '77', ...words])
  expect(await json(['import', path, ...words])).toMatchObject({ settings_updated: 1, settings_unchanged: 1 })
  expect(await json(['setting', 'get', 'theme', ...words])).toMatchObject({ value: 'dark' })
  expect(await json(['setting', 'get', 'max_tokens', ...words])).toMatchObject({ value: '77' })
  expect(await json(['import', path, '--on-conflict', 'replace', ...words])).toMatchObject({
    settings_updated: 1,
  })
})

test('a dry run tells the same numbers as the import that follows', async () => {
  const { words } = await newDatabase()
  const folder = folderOf({ 'a.json': CHATS, 'b.json': JSON.stringify([chat('two'), chat('three')]) })
  const dry = await json(['import', folder, ...words, '--dry-run'])
  const real = await json(['import', folder, ...words])
  expect({ ...dry, dry_run: false }).toEqual(real)
  expect(real).toMatchObject({ sessions_added: 3, sessions_unchanged: 1 })
})

test('a file of what was refused is made only when something is, and never in the way of the next try', async () => {
  const { words, folder, db } = await newDatabase()
  const chats = join(folder, 'c.json')
  writeFileSync(chats, CHATS)
  const rejects = join(folder, 'rejects')
  const wrong = ['--db', db, '--key-file', keyFile('wrong'), '--json']
  expect((await run(['import', chats, '--reject-file', rejects, ...wrong])).code).toBe(12)
  await json(['import', chats, '--reject-file', rejects, ...words])
  expect(existsSync(rejects)).toBe(false)
  expect(
    errorOf(await run(['import', chats, '--reject-file', join(folder, 'no', 'r'), ...words, '--json'])).exit,
  ).toBe(18)
})

test('a file of another format than the one that is named is told apart', async () => {
  const { words, folder } = await newDatabase()
  const chats = join(folder, 'c.json')
  writeFileSync(chats, CHATS)
  const before = snapshot(folder)
  const database = fixture('app-v14-plaintext.db')
  for (const [from, path, what] of [
    ['llm', chats, /JSON of chatgpt/],
    ['ollama', database, /a database of libreollama/],
    ['chatgpt', database, /a database of libreollama/],
  ] as const) {
    const error = errorOf(await run(['import', path, '--from', from, ...words, '--json']))
    expect(error).toMatchObject({ exit: 6, message: expect.stringMatching(what) })
  }
  expect(snapshot(folder)).toEqual(before)
})

test('of a folder, a named format takes its own files and leaves the others alone', async () => {
  const { words } = await newDatabase()
  const folder = folderOf({
    'a.json': CHATS,
    'user.json': '{"id":"u"}',
    'list.json': '[1,2]',
    'chat.html': '<p>',
  })
  expect(await json(['import', folder, '--from', 'chatgpt', ...words])).toMatchObject({
    sessions_added: 2,
    refused: 0,
    ignored: 3,
  })
})

test('of a database with a -wal a copy is read, which leaves nothing behind; where none can be made that is said', async () => {
  const { words } = await newDatabase()
  const path = fixture('app-v14-plaintext.db')
  writeFileSync(`${path}-wal`, Buffer.alloc(64))
  const temporary = temporaryFolder()
  const result = await run(['import', path, ...words, '--json'], { env: { TMPDIR: temporary } })
  expect([result.code, snapshot(temporary)]).toEqual([0, {}])
  const error = errorOf(await run(['import', path, ...words, '--json'], { env: { TMPDIR: '/nonexistent' } }))
  expect(error).toMatchObject({ exit: 18, hint: expect.stringMatching(/TMPDIR/) })
})

test.each([
  ['a conversation', CHATS],
  ['a whole export', '{"libreollama_db_export":1,"whole":true}\n{"type":"setting","key":"a","value":"b"}\n'],
])(
  'while another program writes, an import of %s is refused as locked, not as a bad file',
  async (_what, content) => {
    const { words, folder, db: path, key } = await newDatabase()
    const chats = join(folder, 'chats.json')
    writeFileSync(chats, content)
    const keys = async () => [parseKey(readFileSync(key), 'the key')]
    await withDatabase({ path, keys, access: 'write' }, (db) =>
      db.transaction(async (writer) => {
        await writer.run('DELETE FROM settings')
        const error = errorOf(await run(['import', chats, ...words, '--lock-timeout', '0.2', '--json']))
        expect(error).toMatchObject({ code: 'LOCKED', exit: 11 })
      }),
    )
  },
)

test('a chat that the database refuses stays out alone, and is told with the file it is of', async () => {
  const made = await newDatabase()
  const time = '2025-06-05T20:22:06.123456+00:00'
  const chatOf = (id: string, messages: string[]) => [
    { type: 'session', id, title: id, model_name: null, agent_id: null },
    ...messages.map((message) => ({ type: 'message', id: message, session_id: id, role: 'user' })),
  ]
  const line = ({ type, ...rest }: Record<string, unknown>) =>
    JSON.stringify(
      type === 'session'
        ? { type, ...rest, created_at: time, updated_at: time, is_archived: 0, metadata: null }
        : { type, ...rest, content: 'hello', model_name: null, created_at: time, metadata: null },
    )
  const file = (...chats: Record<string, unknown>[][]) =>
    `${['{"libreollama_db_export":1,"whole":false}', ...chats.flat().map(line)].join('\n')}\n`
  const folder = folderOf({
    'a.jsonl': file(chatOf('one', ['m1', 'm2']), chatOf('two', ['m3', 'm1']), chatOf('three', ['m4'])),
    'b.jsonl': file(chatOf('four', ['m5']), chatOf('one', ['m1', 'm6'])),
    'c.jsonl': file(chatOf('five', ['m4']), chatOf('six', ['m7'])),
  })
  const report = await json(['import', folder, ...made.words])
  expect(report).toMatchObject({
    ...{ files: 3, sessions_added: 4, sessions_updated: 1, messages_added: 6, refused: 2 },
    refusals: [
      { file: 'a.jsonl', id: 'two' },
      { file: 'c.jsonl', id: 'five' },
    ],
  })
  expect(await json(['session', 'list', ...made.words])).toHaveLength(4)
  expect(await json(['search', 'hello', '--limit', '100', ...made.words])).toHaveLength(6)
})

test('a search index that knows messages that are gone stops an import, until it is made again', async () => {
  const made = await newDatabase()
  await json([
    'query',
    "INSERT INTO message_search_rows (message_id) VALUES ('m1')",
    '--write',
    ...made.words,
  ])
  const time = '2025-06-05T20:22:06.123456+00:00'
  const lines = [
    '{"libreollama_db_export":1,"whole":false}',
    `{"type":"session","id":"s","title":"t","model_name":null,"agent_id":null,"created_at":"${time}","updated_at":"${time}","is_archived":0,"metadata":null}`,
    `{"type":"message","id":"m1","session_id":"s","role":"user","content":"hello","model_name":null,"created_at":"${time}","metadata":null}`,
  ]
  const words = ['import', join(folderOf({ 'a.jsonl': `${lines.join('\n')}\n` }), 'a.jsonl'), ...made.words]
  const refused = await run([...words, '--json'])
  expect(refused.code).toBe(3)
  expect(errorOf(refused)).toMatchObject({
    code: 'CHECK_FAILED',
    hint: expect.stringContaining('search --rebuild'),
  })
  expect((await json(['stats', ...made.words])).total_messages).toBe(0)
  await json(['search', '--rebuild', ...made.words])
  expect(await json(words)).toMatchObject({ messages_added: 1 })
  expect(await json(['search', 'hello', ...made.words])).toHaveLength(1)
})
