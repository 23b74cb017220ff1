import { join } from 'node:path'
import { inTransaction, withDatabase } from '../../src/core/database/database.ts'
import { keys, makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'

/*
 * Records as another program may have stored them: SQLite lets any column hold any value.
 */

const SECONDS = 1_700_000_000
const DAY = '2023-11-14'

/** Sessions by how their times are stored, oldest first, with what is made of the time. */
const SESSIONS: [id: string, time: string, day: string][] = [
  ['text of 2020', "'2020-01-02 03:04:05'", '2020-01-02'],
  ['Julian day', '2459000.5', '2020-05-31'],
  ['seconds', String(SECONDS), DAY],
  ['seconds and a half', `${SECONDS}.5`, DAY],
  ['milliseconds', `${SECONDS}999`, DAY],
  ['text of 2025', "'2025-06-05T20:22:06.123456+00:00'", '2025-06-05'],
]

const sessionSql = (id: string, time: string, title = `'bread ${id}'`, archived = '0') =>
  `INSERT INTO chat_sessions (id, title, created_at, updated_at, is_archived) VALUES ('${id}', ${title}, ${time}, ${time}, ${archived});
   INSERT INTO chat_messages (id, session_id, role, content, created_at) VALUES ('q ${id}', '${id}', 'user', 'bread?', ${time});
   INSERT INTO chat_messages (id, session_id, role, content, created_at) VALUES ('r ${id}', '${id}', 'assistant', 'Bread.', ${time});`

let words: string[] = []
let path = ''

beforeAll(async () => {
  path = await makeDatabase()
  words = ['--db', path, '--key-file', keyFile(RAW_KEY)]
  await write(`${SESSIONS.map(([id, time]) => sessionSql(id, time)).join('\n')}
    INSERT INTO agents (id, name, model_name, created_at, updated_at, is_active, temperature, max_tokens)
      VALUES ('a', x'4272656164', 'm', ${SECONDS}, 2459000.5, 'no', 'warm', 'many');
    INSERT INTO agent_executions (id, agent_id, input, status, started_at, completed_at)
      VALUES ('e', 'a', x'00ff', 'completed', ${SECONDS}, ${SECONDS}999);
    INSERT INTO settings (key, value, created_at, updated_at) VALUES ('numbers', 5, ${SECONDS}, 42);
    UPDATE schema_version SET applied_at = ${SECONDS};`)
})

function write(sql: string): Promise<void> {
  return withDatabase({ path, keys, access: 'write' }, (db) =>
    db.exclusively((writer) => inTransaction(writer, () => writer.exec(sql))),
  )
}

async function json(...line: string[]) {
  const { code, stdout, stderr } = await runHere([...line, '--json', ...words])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

const FORMATS = ['csv', 'markdown', 'html', 'json', 'openai', 'openwebui', 'sharegpt', 'jsonl']

test.each(FORMATS)('export --format %s takes times that are numbers', async (format) => {
  const out = format === 'markdown' ? ['--out', join(temporaryFolder(), 'chats')] : []
  const { code, stdout, stderr } = await runHere(['export', '--format', format, ...out, ...words])
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('Error')])
  if (['csv', 'html', 'json'].includes(format)) expect(stdout).toContain(DAY)
  if (format === 'openwebui') expect(stdout).toContain(`"timestamp":${SECONDS}`)
})

test('messages of a chat are exported in the order of their moments, whatever form each has', async () => {
  await write(`${sessionSql('mixed', "'2026-01-01T00:00:00Z'")}
    UPDATE chat_messages SET created_at = '2022-01-01T00:00:00Z' WHERE id = 'q mixed';
    UPDATE chat_messages SET created_at = ${SECONDS} WHERE id = 'r mixed'`)
  const [chat] = JSON.parse(
    (await runHere(['export', '--format', 'json', '--session', 'mixed', ...words])).stdout,
  )
  expect(chat.messages.map(({ id }: { id: string }) => id)).toEqual(['q mixed', 'r mixed'])
  await write("DELETE FROM chat_sessions WHERE id = 'mixed'")
})

const COMMANDS: string[][] = [
  ['session', 'list'],
  ['session', 'get', 'seconds'],
  ['session', 'list', '--sort', '-created_at'],
  ['message', 'list'],
  ['message', 'get', 'q milliseconds'],
  ['agent', 'list', '--inactive'],
  ['agent', 'get', 'a'],
  ['execution', 'list'],
  ['execution', 'get', 'e'],
  ['setting', 'list'],
  ['setting', 'get', 'numbers'],
  ['search', 'bread', '--context', '1'],
  ['stats'],
  ['migrate', 'status'],
  ['health'],
  ['query', 'SELECT * FROM agents'],
]

test.each(COMMANDS.map((line) => [line.join(' '), line]))('%s shows such records', async (_name, line) => {
  for (const format of ['table', 'json', 'ndjson', 'csv']) {
    const { code, stdout, stderr } = await runHere([...line, '-o', format, ...words])
    expect([format, code, stderr]).toEqual([format, 0, ''])
    expect(stdout).not.toMatch(/"type":\s*"Buffer"|\[object|undefined|NaN/)
  }
})

test('a time is shown as the moment that SQLite makes of the number, a small number as it is', async () => {
  const sessions = await json('session', 'list', '--sort', 'created_at')
  expect(
    sessions.map(({ id, created_at }: Record<string, string>) => [id, created_at?.slice(0, 10)]),
  ).toEqual(SESSIONS.map(([id, , day]) => [id, day]))
  expect(await json('setting', 'get', 'numbers')).toMatchObject({
    value: '5',
    created_at: `${DAY}T22:13:20.000000+00:00`,
    updated_at: '42',
  })
})

test.each([
  ['session', '--since', '2023-11-14', SESSIONS.slice(2)],
  ['session', '--until', '2023-11-14T22:13:20.2Z', SESSIONS.slice(0, 3)],
])('%s list %s %s finds records by their moment', async (noun, option, time, expected) => {
  const found = await json(noun, 'list', option, time, '--sort', 'created_at')
  expect(found.map(({ id }: { id: string }) => id)).toEqual(expected.map(([id]) => id))
  const hits = await json('search', 'bread', option, time)
  expect(new Set(hits.map(({ session_id }: { session_id: string }) => session_id))).toEqual(
    new Set(expected.map(([id]) => id)),
  )
})

test('lists go on after a record whose time is a number', async () => {
  const found = await json('session', 'list', '--sort', '-created_at', '--after', 'seconds')
  expect(found.map(({ id }: { id: string }) => id)).toEqual(['Julian day', 'text of 2020'])
})

test('prune takes a session by the moment of its number, and none by a number that is no time', async () => {
  await write(sessionSql('zero', '0'))
  const pruned = await json('session', 'prune', '--before', '2023-11-14', '--dry-run')
  expect(pruned.deleted).toBe(2)
  await write("DELETE FROM chat_sessions WHERE id = 'zero'")
})

test('stats counts messages by the day of their number', async () => {
  const { messages_per_day } = await json('stats')
  expect(messages_per_day).toEqual([{ day: '2025-06-05', messages: 2 }])
  await write("DELETE FROM chat_messages WHERE id IN ('q text of 2025', 'r text of 2025')")
  expect((await json('stats')).messages_per_day).toEqual([{ day: DAY, messages: 6 }])
})

test('bytes and words in columns that hold others are shown as query shows them', async () => {
  expect(await json('agent', 'get', 'a')).toMatchObject({
    name: "x'4272656164'",
    is_active: false,
    temperature: 'warm',
    max_tokens: 'many',
  })
  expect(await json('execution', 'get', 'e')).toMatchObject({ input: "x'00ff'" })
  expect((await runHere(['execution', 'list', ...words])).stdout).toContain("x'00ff'")
})

test.each([
  ['yes', 1],
  ['FALSE', 0],
  ['2', 1],
])('is_archived %s counts and filters as one of two states', async (word, archived) => {
  await write(sessionSql('flagged', "'2026-01-01T00:00:00Z'", "'x'", `'${word}'`))
  const { active_sessions, archived_sessions } = await json('stats')
  expect([active_sessions, archived_sessions]).toEqual([SESSIONS.length + 1 - archived, archived])
  const found = await json('session', 'list', archived ? '--archived' : '--active')
  expect(found).toContainEqual(expect.objectContaining({ id: 'flagged', is_archived: archived === 1 }))
  await write("DELETE FROM chat_sessions WHERE id = 'flagged'")
})

test('jsonl gives every time back as the number that it was', async () => {
  const out = join(temporaryFolder(), 'all.jsonl')
  expect((await runHere(['export', '--format', 'jsonl', '--out', out, ...words])).code).toBe(0)
  const copy = ['--db', join(temporaryFolder(), 'copy.db'), '--key-file', keyFile(RAW_KEY)]
  await runHere(['init', ...copy])
  expect((await runHere(['import', out, ...copy])).code).toBe(0)
  const stored = 'SELECT id, created_at, typeof(created_at) AS kind FROM chat_sessions ORDER BY id'
  const [one, other] = await Promise.all(
    [words, copy].map((db) => runHere(['query', stored, '--json', ...db])),
  )
  expect(one?.stdout).toBe(other?.stdout)
  const again = await runHere(['import', out, '--on-conflict', 'replace', '--json', ...copy])
  expect(JSON.parse(again.stdout)).toMatchObject({ sessions_updated: 0, messages_updated: 0 })
})

test('a record whose id is NULL is exported too', async () => {
  await write(
    `INSERT INTO chat_sessions (title) VALUES ('no id'); INSERT INTO settings (value) VALUES ('no key')`,
  )
  for (const format of FORMATS.filter((name) => name !== 'markdown')) {
    const { code, stdout } = await runHere(['export', '--format', format, ...words])
    expect([format, code]).toEqual([format, 0])
    if (format === 'jsonl') expect(stdout.match(/"title":"no id"|"value":"no key"/g)).toHaveLength(2)
  }
  expect(await json('session', 'list')).toContainEqual(expect.objectContaining({ id: null, title: 'no id' }))
})
