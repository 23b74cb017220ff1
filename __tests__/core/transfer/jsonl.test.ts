import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../../../src/core/database/database.ts'
import type { Connection, Value } from '../../../src/core/engine/connection.ts'
import { atOneMoment } from '../../../src/core/transfer/export/exported-chats.ts'
import { inBlocks } from '../../../src/core/transfer/export/in-blocks.ts'
import { jsonLines } from '../../../src/core/transfer/export/json-lines.ts'
import { importChats } from '../../../src/core/transfer/import/import-chats.ts'
import { MESSAGE_LINE, writeLine } from '../../../src/core/transfer/jsonl.ts'
import { withTestDatabase } from '../../helpers/database.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const MOMENT = '2025-06-05T20:22:06.123456+00:00'

async function exported(db: Database): Promise<string> {
  return atOneMoment(db, async (reader) => {
    const pieces: Buffer[] = []
    for await (const block of inBlocks(jsonLines(reader, {}))) pieces.push(Buffer.from(block))
    return Buffer.concat(pieces).toString()
  })
}

async function imported(db: Database, text: string | Buffer) {
  const path = join(temporaryFolder(), 'chats.jsonl')
  writeFileSync(path, text)
  return importChats(db, {
    path,
    from: 'auto',
    onConflict: 'skip',
    branches: 'active',
    include: new Set(),
    timeZone: 'UTC',
    dryRun: false,
    now: () => new Date(),
  })
}

async function addSession(writer: Connection, id: string): Promise<void> {
  await writer.run('INSERT INTO chat_sessions (id, title, created_at, updated_at) VALUES (?, ?, ?, ?)', [
    id,
    'title',
    MOMENT,
    MOMENT,
  ])
}

function addMessage(writer: Connection, id: string, content: Value, metadata: Value = null): Promise<number> {
  return writer.run(
    `INSERT INTO chat_messages (id, session_id, role, content, created_at, metadata) VALUES (?, 's', 'user', ?, ?, ?)`,
    [id, content, MOMENT, metadata],
  )
}

/**
 * Texts that are JSON but would read differently after JSON.parse and JSON.stringify, that are no JSON, and
 * plain ones.
 */
const METADATA = [
  ...['{"a":1}', '[1,2]', '{"a":1.0}', '{"b":1,"2":1}', '{"a":"\\u0041"}', '{"a":12345678901234567890}'],
  ...[
    '{"a":1,"a":2}',
    '{"a":"\\ud800"}',
    '{"a":"\\/"}',
    '{"a":-0}',
    '{"a":1E5}',
    '{"":{}}',
    '{"__proto__":1}',
  ],
  ...[
    '{"a": 1}',
    ' {"a":1}',
    '{"a":1}\n',
    '"x"',
    '5',
    'null',
    'nope',
    '',
    '{a:1}',
    '{"a":+1}',
    '{"a":"x\ty"}',
  ],
  ...[
    '{"a":"\u2028"}',
    '{"a":"\u007f"}',
    '\0',
    '{"a":1}\0',
    '{"a":"b \\" , }"}',
    '{"metadata":{"metadata":1.0}}',
  ],
  `${'['.repeat(1500)}${']'.repeat(1500)}`,
]

test('metadata of every kind comes back by its very characters, and a second export has the same bytes', async () => {
  const first = await withTestDatabase(async (db) => {
    await db.transaction(async (writer) => {
      await addSession(writer, 's')
      for (const [index, text] of METADATA.entries()) await addMessage(writer, `m${index}`, 'hello', text)
      for (const [index, text] of METADATA.entries()) {
        await addSession(writer, `t${index}`)
        await writer.run('UPDATE chat_sessions SET metadata = ? WHERE id = ?', [text, `t${index}`])
      }
    })
    return exported(db)
  })
  for (const line of first.trimEnd().split('\n')) JSON.parse(line)
  await withTestDatabase(async (db) => {
    expect(await imported(db, first)).toMatchObject({ messages_added: METADATA.length, refused: 0 })
    for (const [index, metadata] of METADATA.entries()) {
      const of = (table: string, id: string) =>
        db.read((reader) => reader.get(`SELECT metadata FROM ${table} WHERE id = ?`, [id]))
      expect(await of('chat_messages', `m${index}`)).toEqual({ metadata })
      expect(await of('chat_sessions', `t${index}`)).toEqual({ metadata })
    }
    expect(await exported(db)).toBe(first)
  })
})

test('SQLite writes the line of a message just as JavaScript does', async () => {
  const units = Array.from({ length: 0x2030 }, (_, unit) => String.fromCharCode(unit)).join('')
  const texts = [units, '', '😀 \uffff \ue000', '\\u0041 \\', `${units}"`]
  await withTestDatabase(async (db) => {
    await db.transaction(async (writer) => {
      await addSession(writer, 's')
      for (const [index, text] of texts.entries()) await addMessage(writer, `m${index}`, text, text)
    })
    const rows = await db.read((reader) =>
      reader.all<Record<string, unknown> & { line: string }>(
        `SELECT m.*, ${MESSAGE_LINE} AS line FROM chat_messages m`,
      ),
    )
    expect(rows).toHaveLength(texts.length)
    for (const { line, ...row } of rows) expect(line).toBe(writeLine('message', row))
  })
})

test('bytes that are no text come out as U+FFFD', async () => {
  await withTestDatabase(async (db) => {
    await db.transaction(async (writer) => {
      await addSession(writer, 's')
      await addMessage(writer, 'm', 'x')
      await writer.run(`UPDATE chat_messages SET content = CAST(x'41ff42' AS TEXT)`)
    })
    expect(await exported(db)).toContain('"content":"A\uFFFDB"')
  })
})

test.each([
  ['temperature', '9e999', '"9e999"'],
  ['temperature', '-9e999', '"-9e999"'],
  ['temperature', '0.1', '0.1'],
  ['max_tokens', '9007199254740991', '9007199254740991'],
  ['max_tokens', '9007199254740993', '"9007199254740993"'],
  ['max_tokens', '-9223372036854775808', '"-9223372036854775808"'],
  ['max_tokens', '1.5', '1.5'],
  ['is_active', '9007199254740993', '"9007199254740993"'],
  ['created_at', '1749154926', '"1749154926"'],
  ['created_at', '2460832.3486', '"2460832.3486"'],
  ['created_at', '9e999', '"9e999"'],
])('%s %s is written as %s, of which the column makes the same number', async (column, stored, written) => {
  await withTestDatabase(async (db) => {
    await db.transaction((writer) =>
      writer.run(`INSERT INTO agents (id, name, model_name, ${column}) VALUES ('a', 'n', 'm', ${stored})`),
    )
    const agent = (await exported(db)).split('\n').find((text) => text.includes('"type":"agent"')) ?? ''
    const value = JSON.parse(agent)[column]
    if (column === 'created_at') expect(Number(value)).toBe(Number(stored))
    else expect(agent).toContain(`"${column}":${written}`)
    const comes = await db.transaction(async (writer) => {
      await writer.run(`UPDATE agents SET description = ${column}, ${column} = ?`, [value])
      return writer.get(
        `SELECT ${column} = ${stored} AS same, typeof(${column}) = typeof(${stored}) AS alike FROM agents`,
      )
    })
    expect(comes).toEqual({ same: 1, alike: 1 })
  })
})

test('the time of a message that is a number is text', async () => {
  await withTestDatabase(async (db) => {
    await db.transaction(async (writer) => {
      await addSession(writer, 's')
      await addMessage(writer, 'm', 'x')
      await writer.run('UPDATE chat_messages SET created_at = 1749154926')
    })
    expect(await exported(db)).toContain('"created_at":"1749154926"')
  })
})

test('where bytes stand for text, in ids too, they are text of UTF-8', async () => {
  await withTestDatabase(async (db) => {
    await db.transaction(async (writer) => {
      await writer.exec(`
        DELETE FROM settings;
        INSERT INTO agents (id, name, model_name, system_prompt, metadata) VALUES ('a', x'00ff', 'm', x'c3a9', x'7b7d');
        INSERT INTO chat_sessions (id, title, agent_id, metadata) VALUES (x'73ff', x'c3a9', 'a', x'00');
        INSERT INTO chat_messages (id, session_id, role, content, metadata) VALUES (x'6d', x'73ff', 'user', x'00ff', x'ff');
        INSERT INTO chat_messages (id, session_id, role, content, metadata) VALUES ('n', x'73ff', 'user', 'text', x'7b7d');
        INSERT INTO settings (key, value) VALUES ('k', x'41ff')`)
    })
    const lines = (await exported(db)).trimEnd().split('\n')
    expect(lines.slice(1).map((text) => JSON.parse(text))).toMatchObject([
      { key: 'k', value: 'A\uFFFD' },
      { id: 'a', name: '\0\uFFFD', system_prompt: 'é', metadata: {} },
      { id: 's\uFFFD', title: 'é', metadata: '\0' },
      { id: 'n', session_id: 's\uFFFD', content: 'text', metadata: {} },
      { id: 'm', session_id: 's\uFFFD', content: '\0\uFFFD', metadata: '\uFFFD' },
    ])
  })
})

const line = (value: object) => `${JSON.stringify(value)}\n`
const session = (id: string, rest: object = {}) =>
  line({ type: 'session', id, title: id, created_at: MOMENT, updated_at: MOMENT, is_archived: 0, ...rest })
const message = (id: string, session_id: string, rest: object = {}) =>
  line({ type: 'message', id, session_id, role: 'user', content: id, created_at: MOMENT, ...rest })
const HEADER = line({ libreollama_db_export: 1, whole: false })

test.each([
  ['a message whose id another chat has', session('b') + message('m1', 'b')],
  ['a role that does not exist', session('b') + message('m2', 'b') + message('m3', 'b', { role: 'tool' })],
  ['no title', session('b', { title: null }) + message('m2', 'b')],
  ['an agent that is not there', session('b', { agent_id: 'nobody' }) + message('m2', 'b')],
])('a chat with %s is refused whole, and its neighbours come in', async (_case, bad) => {
  const text = HEADER + session('a') + message('m1', 'a') + bad + session('c') + message('m9', 'c')
  await withTestDatabase(async (db) => {
    const report = await imported(db, text)
    expect(report).toMatchObject({ sessions_added: 2, messages_added: 2, refused: 1 })
    expect(report.refusals[0]).toMatchObject({ id: 'b', reason: expect.stringMatching(/\S/) })
    const rows = await db.read((reader) =>
      reader.all(
        'SELECT s.id AS session, m.id AS message FROM chat_sessions s LEFT JOIN chat_messages m ON m.session_id = s.id ORDER BY 1',
      ),
    )
    expect(rows).toEqual([
      { session: 'a', message: 'm1' },
      { session: 'c', message: 'm9' },
    ])
    const found = await db.read((reader) => reader.all(`SELECT rowid FROM message_search('m2 OR m3')`))
    expect(found).toEqual([]) // what was taken back is not in the index either
  })
})

test.each([
  ['half of a surrogate pair', message('m2', 'a').replace('"content":"m2"', '"content":"\\ud800"')],
  ['a number for a text', message('m2', 'a', { content: 5 })],
  ['no JSON', '{"type":"message",\n'],
  [
    'metadata nested without end',
    message('m2', 'a', { metadata: 0 }).replace('0', `${'['.repeat(1e5)}${']'.repeat(1e5)}`),
  ],
])('a line with %s takes its whole chat along, and the others come in', async (_case, bad) => {
  const text =
    HEADER + session('a') + message('m1', 'a') + bad + message('m3', 'a') + session('c') + message('m9', 'c')
  await withTestDatabase(async (db) => {
    const report = await imported(db, text)
    expect(report).toMatchObject({ sessions_added: 1, messages_added: 1, refused: 1 })
    expect(report.refusals[0]).toMatchObject({ id: 'a' })
    expect(await db.read((reader) => reader.all('SELECT id FROM chat_sessions'))).toEqual([{ id: 'c' }])
  })
})

test.each([
  ['an unknown type', line({ type: 'note', id: 'x' })],
  ['a message of another chat', message('m2', 'x')],
])('a line with %s is refused, and the chats come in', async (_case, bad) => {
  await withTestDatabase(async (db) => {
    const report = await imported(db, HEADER + session('a') + message('m1', 'a') + session('b') + bad)
    expect(report).toMatchObject({ sessions_added: 2, messages_added: 1, refused: 1 })
  })
})

test.each([
  ['a session without an id', session('b', { id: null }) + message('m2', 'b')],
  ['a session without a title', session('b', { title: null }) + message('m2', 'b')],
])('%s is refused', async (_case, bad) => {
  await withTestDatabase(async (db) => {
    const report = await imported(db, HEADER + bad + session('c'))
    expect(report).toMatchObject({ sessions_added: 1, messages_added: 0 })
    expect(report.refused).toBeGreaterThan(0)
  })
})

test('a form that is newer than what is known is refused before anything comes in', async () => {
  await withTestDatabase(async (db) => {
    const text = line({ libreollama_db_export: 2, whole: true }) + session('a')
    const report = await imported(db, text)
    expect(report).toMatchObject({ sessions_added: 0, refused: 1 })
    expect(await db.read((reader) => reader.get('SELECT count(*) AS n FROM settings'))).toEqual({ n: 6 })
  })
})

test('a whole export of which nothing follows leaves the settings of a new database alone', async () => {
  await withTestDatabase(async (db) => {
    await imported(db, line({ libreollama_db_export: 1, whole: true }))
    expect(await db.read((reader) => reader.get('SELECT count(*) AS n FROM settings'))).toEqual({ n: 6 })
  })
})

test('of a file that ends in the middle of a line, the chats before that one come in', async () => {
  await withTestDatabase(async (db) => {
    const whole =
      HEADER + session('a') + message('m1', 'a') + session('b') + message('m2', 'b') + message('m3', 'b')
    const report = await imported(db, whole.slice(0, -20))
    expect(report).toMatchObject({ sessions_added: 1, messages_added: 1, refused: 1 })
    expect(report.refusals[0]?.reason).toMatch(/ends in the middle/)
    expect(await imported(db, whole)).toMatchObject({ sessions_added: 1, messages_added: 2, refused: 0 })
  })
})

test('lines that were changed by hand or ended as on Windows are read all the same', async () => {
  const lines = HEADER + session('a') + message('m1', 'a', { metadata: { a: 1 } })
  await withTestDatabase(async (db) => {
    const spaced = lines.replaceAll('\n', '\r\n').replace('"metadata":{"a":1}', '"metadata": { "a": 1.0 }')
    expect(await imported(db, spaced)).toMatchObject({ messages_added: 1, refused: 0 })
    expect(await db.read((reader) => reader.get('SELECT metadata FROM chat_messages'))).toEqual({
      metadata: '{ "a": 1.0 }',
    })
  })
})

test('numbers that JSON cannot carry come back as they were', async () => {
  const numbers = ['1e999', '-1e999', '9007199254740993', '0.1', '-9223372036854775808', '1.5']
  const read = (db: Database) =>
    db.read((reader) =>
      reader.all(`SELECT id, typeof(temperature) AS kind, printf('%!.20g', temperature) AS t,
        CAST(max_tokens AS TEXT) AS m, typeof(max_tokens) AS whole FROM agents ORDER BY id`),
    )
  const [before, text] = await withTestDatabase(async (db) => {
    await db.transaction(async (writer) => {
      for (const number of numbers)
        await writer.exec(`INSERT INTO agents (id, name, model_name, temperature, max_tokens)
          VALUES ('${number}', 'n', 'm', ${number}, ${number})`)
    })
    return [await read(db), await exported(db)] as const
  })
  await withTestDatabase(async (db) => {
    expect(await imported(db, text)).toMatchObject({ agents_added: numbers.length, refused: 0 })
    expect(await read(db)).toEqual(before)
    expect(await exported(db)).toBe(text)
  })
})
