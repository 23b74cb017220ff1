import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sqlcipher from '@journeyapps/sqlcipher'
import { packageRoot } from '../../src/package-root.ts'
import { json } from '../helpers/chats.ts'
import { fixture, keyFile, newDatabase, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf, finished, start } from '../helpers/run.ts'

const SAMPLES = join(packageRoot(), '__tests__', 'fixtures', 'transfer')
const sample = (name: string) => join(SAMPLES, `${name}.json`)
const value = (name: string) => JSON.parse(readFileSync(sample(name), 'utf8'))

/** A file with this content; its name says nothing about what is in it. */
function file(content: string | Buffer, name = 'export.dat'): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, content)
  return path
}

test.each(['chatgpt', 'claude', 'openwebui', 'lmstudio'])(
  '%s is told by its content, and importing again adds nothing',
  async (name) => {
    const { words } = await newDatabase()
    const path = file(readFileSync(sample(name)))
    const first = await json(['import', path, ...words])
    expect(first).toMatchObject({ formats: [name], files: 1, refused: 0, sessions_added: 1 })
    expect(first.messages_added).toBeGreaterThan(0)
    const again = await json(['import', path, ...words])
    expect(again).toMatchObject({
      sessions_added: 0,
      sessions_unchanged: 1,
      messages_added: 0,
      messages_updated: 0,
    })
    expect((await json(['stats', ...words])).total_messages).toBe(first.messages_added)
    expect((await runHere(['health', ...words])).code).toBe(0)
  },
)

test('several formats in a folder come in together; what is none is left alone', async () => {
  const { words } = await newDatabase()
  const folder = temporaryFolder()
  cpSync(SAMPLES, folder, { recursive: true })
  writeFileSync(join(folder, 'user.json'), '{"id":"u"}')
  writeFileSync(join(folder, 'notes.txt'), 'hello')
  const report = await json(['import', folder, ...words])
  expect(report).toMatchObject({ files: 4, ignored: 2, sessions_added: 4, refused: 0 })
})

test('a dry run tells what would come in and changes nothing, and makes no database', async () => {
  const { words, folder } = await newDatabase()
  const before = snapshot(folder)
  expect(await json(['import', SAMPLES, '--dry-run', ...words])).toMatchObject({
    dry_run: true,
    sessions_added: 4,
  })
  expect(snapshot(folder)).toEqual(before)
  const none = join(temporaryFolder(), 'none.db')
  expect(await json(['import', SAMPLES, '--dry-run', '--db', none])).toMatchObject({ sessions_added: 4 })
  expect(await json(['import', SAMPLES, '--db', none, '--key-file', keyFile('k')])).toMatchObject({
    sessions_added: 4,
  })
})

test('a newer export adds only what is new; what is there changes only when that is asked for', async () => {
  const { words } = await newDatabase()
  const [chat] = [value('claude')].flat()
  const older = { ...chat, chat_messages: chat.chat_messages.slice(0, -1) }
  await json(['import', file(JSON.stringify([older])), ...words])
  const newer = { ...chat, name: 'renamed', updated_at: '2030-01-01T00:00:00Z' }
  const path = file(JSON.stringify([newer]))
  expect(await json(['import', path, ...words])).toMatchObject({
    messages_added: 1,
    messages_updated: 0,
    sessions_updated: 1,
  })
  const title = async () => (await json(['session', 'list', ...words]))[0].title
  expect(await title()).not.toBe('renamed')
  await json([
    'import',
    file(JSON.stringify([{ ...newer, updated_at: '2001-01-01T00:00:00Z' }])),
    '--on-conflict',
    'newer',
    ...words,
  ])
  expect(await title()).not.toBe('renamed')
  await json(['import', path, '--on-conflict', 'replace', ...words])
  expect(await title()).toBe('renamed')
})

const node = (id: string, parent: string | null, role: string, text: string, more: object = {}) => [
  id,
  {
    id,
    parent,
    children: [],
    message: {
      id,
      author: { role },
      create_time: 1_700_000_000 + id.length,
      content: { content_type: 'text', parts: [text] },
      ...more,
    },
  },
]
const TREE = {
  id: 'c-1',
  title: 'tree',
  create_time: 1_700_000_000.5,
  update_time: 1_700_000_100,
  current_node: 'aaa',
  mapping: Object.fromEntries([
    node('a', null, 'user', 'why?'),
    node('aa', 'a', 'tool', 'secret answer of a tool', { recipient: 'all' }),
    node('aaa', 'aa', 'assistant', 'because'),
    node('bbbb', 'a', 'assistant', 'another reason'),
  ]),
}

test('the active path comes in; other branches when they are asked for; a tool never becomes an answer', async () => {
  const { words } = await newDatabase()
  const path = file(JSON.stringify([TREE]))
  await json(['import', path, ...words])
  const said = async () =>
    (await json([
      'query',
      'SELECT role, content FROM chat_messages ORDER BY session_id, created_at',
      ...words,
    ])) as object[]
  expect(await said()).toEqual([
    { role: 'user', content: 'why?' },
    { role: 'assistant', content: 'because' },
  ])
  const [kept] = await json([
    'query',
    "SELECT metadata FROM chat_messages WHERE role = 'assistant'",
    ...words,
  ])
  expect(kept.metadata).toContain('secret answer of a tool')
  expect(await json(['import', path, '--branches', 'all', ...words])).toMatchObject({
    sessions_added: 1,
    messages_added: 2,
  })
  const titles = (await json(['session', 'list', ...words])).map(({ title }: { title: string }) => title)
  expect(titles.sort()).toEqual(['tree', 'tree (branch 2)'])
  const tools = await newDatabase()
  await json(['import', path, '--include', 'tools', ...tools.words])
  const roles = await json(['query', 'SELECT role FROM chat_messages ORDER BY created_at', ...tools.words])
  expect(roles.map(({ role }: { role: string }) => role)).toEqual(['user', 'system', 'assistant'])
})

test.each([
  ['cut short', (text: string) => text.slice(0, -40), 1],
  ['with a broken one in the middle', (text: string) => text.replace('"mapping"', '"gone"'), 2],
])(
  'an export %s: what is whole comes in, the rest is refused with the reason, exit 6',
  async (_case, harm, sessions) => {
    const { words } = await newDatabase()
    const chats = [{ ...TREE, id: 'c-0' }, TREE, { ...TREE, id: 'c-2' }].slice(0, sessions + 1)
    const path = file(harm(JSON.stringify(chats)))
    const rejects = join(temporaryFolder(), 'rejects.jsonl')
    const { code, stdout } = await runHere(['import', path, '--reject-file', rejects, ...words, '--json'])
    expect(code).toBe(6)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ sessions_added: sessions, refused: 1 })
    expect(report.refusals[0].reason).toMatch(/\w+ \w+/)
    expect(JSON.parse(readFileSync(rejects, 'utf8'))).toEqual(report.refusals[0])
  },
)

test.each([
  ['nothing like it', 'hello world', 6],
  ['an empty file', '', 6],
  ['JSON of another kind', '[{"a":1}]', 6],
  ['an encrypted database', readFileSync(fixture('phase21-passphrase.sqlcipher4.db')), 6],
  ['a database of another program', 'sqlite', 6],
])('%s is refused in plain words', async (_case, content, exit) => {
  const { words, folder } = await newDatabase()
  const path = file(content)
  if (content === 'sqlite') {
    rmSync(path)
    const handle = new sqlcipher.Database(path)
    await new Promise((resolve) => handle.exec('CREATE TABLE t (a)', resolve))
    await new Promise((resolve) => handle.close(resolve))
  }
  const before = snapshot(folder)
  expect(errorOf(await runHere(['import', path, ...words, '--json'])).exit).toBe(exit)
  expect(snapshot(folder)).toEqual(before)
  expect(errorOf(await runHere(['import', join(folder, 'none'), ...words, '--json'])).exit).toBe(2)
})

test("LibreOllama's own file, with what waits in its -wal; the original is not touched", async () => {
  const { words } = await newDatabase()
  const folder = temporaryFolder()
  const [live, copy] = [fixture('app-v14-plaintext.db'), join(folder, 'database.db')]
  const handle = new sqlcipher.Database(live)
  const exec = (sql: string) => new Promise((resolve) => handle.exec(sql, resolve))
  await exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
  await exec("INSERT INTO chat_sessions (session_name, user_id) VALUES ('waits in the wal', 'u')")
  for (const suffix of ['', '-wal']) cpSync(live + suffix, copy + suffix)
  await new Promise((resolve) => handle.close(resolve))
  const before = snapshot(folder)
  const counts = JSON.parse(readFileSync(join(packageRoot(), '__tests__', 'fixtures', 'counts.json'), 'utf8'))
  const report = await json(['import', copy, '--source-timezone', 'Europe/Berlin', ...words])
  expect(snapshot(folder)).toEqual(before)
  expect(report.formats).toEqual(['libreollama'])
  const titles = await json([
    'query',
    "SELECT title FROM chat_sessions WHERE title = 'waits in the wal'",
    ...words,
  ])
  expect(titles).toHaveLength(1)
  expect(Object.keys(counts).length).toBeGreaterThan(0)
})

test('a Phase 2.1 file comes in whole: chats, messages, agents, runs', async () => {
  const { words } = await newDatabase()
  const report = await json(['import', fixture('phase21-v1-plaintext.db'), ...words])
  expect(report).toMatchObject({
    sessions_added: 40,
    messages_added: 226,
    agents_added: 3,
    executions_added: 20,
    refused: 0,
  })
  const [linked] = await json(['query', 'SELECT count(agent_id) AS n FROM chat_sessions', ...words])
  expect(linked.n).toBeGreaterThan(0)
})

const python = spawnSync('python3', ['--version']).status === 0
const testWithPython = python ? test : test.skip

/** A zip archive, made by Python's own library. */
function archive(entries: Record<string, string | { zeros: number }>): string {
  const path = join(temporaryFolder(), 'export.zip')
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
    for name, content in json.loads(sys.argv[2]).items():
        z.writestr(name, content if isinstance(content, str) else '\\0' * content['zeros'])`
  const made = spawnSync('python3', ['-c', script, path, JSON.stringify(entries)])
  if (made.status !== 0) throw new Error(made.stderr.toString())
  return path
}

testWithPython(
  `a zip archive is read without being unpacked${python ? '' : ' (needs python3)'}`,
  async () => {
    const { words } = await newDatabase()
    const path = archive({
      'conversations-000.json': JSON.stringify([TREE]),
      'conversations-001.json': JSON.stringify([{ ...TREE, id: 'c-2' }]),
      'user.json': '{}',
      'chat.html': '<html>',
    })
    expect(await json(['import', path, ...words])).toMatchObject({ sessions_added: 2, files: 2, ignored: 2 })
  },
)

testWithPython.each([
  ['a name that leads out of it', { '../evil.json': '[]' }],
  ['a zip bomb', { 'conversations.json': { zeros: 200_000_000 } }],
] as const)('an archive with %s is refused before anything is read', async (_case, entries) => {
  const { words, folder } = await newDatabase()
  const before = snapshot(folder)
  const path = archive({ 'a.json': JSON.stringify([TREE]), ...entries })
  expect(errorOf(await runHere(['import', path, ...words, '--json'])).exit).toBe(6)
  expect(snapshot(folder)).toEqual(before)
})

test('Ctrl-C in the middle keeps what is finished, and running again goes on', async () => {
  const { words, folder } = await newDatabase()
  const number = 20_000
  const chats = Array.from({ length: number }, (_, index) => ({ ...TREE, id: `c-${index}` }))
  const path = file(JSON.stringify(chats))
  const child = start(['import', path, ...words, '--json'])
  const result = finished(child)
  const timer = setInterval(() => {
    const isWriting = readdirSync(folder).some(
      (name) => name.endsWith('-wal') && statSync(join(folder, name)).size > 0,
    )
    if (!isWriting) return
    clearInterval(timer)
    child.kill('SIGINT')
  }, 10)
  const { code, stderr } = await result
  expect(code).toBe(130)
  const count = async () => (await json(['stats', ...words])).active_sessions
  const kept = await count()
  expect(kept).toBeGreaterThan(0)
  expect(kept).toBeLessThan(number)
  expect(JSON.parse(stderr).error.message).toContain(`what was imported before stays: ${kept} sessions added`)
  expect(await json(['import', path, ...words])).toMatchObject({
    sessions_unchanged: kept,
    sessions_added: number - kept,
  })
  expect((await runHere(['health', ...words])).code).toBe(0)
}, 60_000)

/** Every kind of text that a chat may hold. */
const TEXTS = [
  'plain',
  '',
  'quotes \' " ` and \\ backslashes',
  'lines\r\n\twith tabs\u2028and\u2029separators',
  'nul \0 inside',
  'emoji 👩‍👩‍👧 and 𝕌𝕟𝕚',
  'right \u202eto left\u202c and \u2066isolated\u2069',
  '=SUM(A1:A9)',
  '</script><!-- ]]> --><b>',
  'ﷺ'.repeat(300),
  '{"json": [1, 2.50, 1e400]}',
]

test('10,000 conversations with every kind of text come back equal, byte by byte, through an empty database', async () => {
  const folder = temporaryFolder()
  const lines = ['{"libreollama_db_export":1,"whole":true}']
  for (let chat = 0; chat < 10_000; chat++) {
    const id = `s${String(chat).padStart(6, '0')}`
    const created_at = chat % 3 ? '2025-06-05T20:22:06.123456+00:00' : '2025-06-05 20:22:06'
    const metadata = chat % 5 === 0 ? { n: chat, deep: [{}] } : chat % 5 === 1 ? '{"spaced" : 1}' : null
    lines.push(
      JSON.stringify({
        type: 'session',
        id,
        title: TEXTS[chat % TEXTS.length] || 'x',
        model_name: chat % 2 ? null : 'm',
        agent_id: null,
        created_at,
        updated_at: created_at,
        is_archived: chat % 2,
        metadata,
      }),
    )
    for (let said = 0; said < 2; said++) {
      const content = `${TEXTS[(chat + said) % TEXTS.length]}${chat % 7 === 0 ? '' : chat}`
      lines.push(
        JSON.stringify({
          type: 'message',
          id: `${id}-${said}`,
          session_id: id,
          role: said ? 'assistant' : 'user',
          content,
          model_name: null,
          created_at,
          metadata: null,
        }),
      )
    }
  }
  const original = join(folder, 'a.jsonl')
  writeFileSync(original, `${lines.join('\n')}\n`)
  const sum = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  const key = keyFile('k')
  const words = ['--db', join(folder, 'c.db'), '--key-file', key]
  expect(await json(['import', original, ...words])).toMatchObject({
    sessions_added: 10_000,
    messages_added: 20_000,
    refused: 0,
  })
  const back = join(folder, 'b.jsonl')
  await json(['export', '--out', back, ...words])
  expect(sum(back)).toBe(sum(original))
}, 120_000)

test('a folder with the sessions of a search, one readable file each', async () => {
  const { words, folder } = await newDatabase()
  await json(['import', SAMPLES, ...words])
  const out = join(folder, 'chats')
  expect(await json(['export', '--format', 'markdown', '--out', out, ...words])).toMatchObject({
    sessions: 4,
  })
  expect(Object.keys(snapshot(out)).every((name) => name.endsWith('.md'))).toBe(true)
})
