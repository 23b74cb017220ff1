import type { Connection } from '../../../src/core/engine/connection.ts'
import { isEngineError } from '../../../src/core/engine/engine-errors.ts'
import { AppError } from '../../../src/core/errors.ts'
import { Refused } from '../../../src/core/transfer/conversation.ts'
import { readChats } from '../../../src/core/transfer/import/chat-lines.ts'
import type { ChatLines } from '../../../src/core/transfer/import/import-items.ts'
import { insertMessageLines, insertPlain, plainRows } from '../../../src/core/transfer/import/insert-plain.ts'
import { elementsOf } from '../../../src/core/transfer/import/json-elements.ts'
import { jsonlElements } from '../../../src/core/transfer/import/jsonl-elements.ts'
import { withTestDatabase } from '../../helpers/database.ts'

const MOMENT = '2025-06-05T20:22:06.123456+00:00'
const HEADER = '{"libreollama_db_export":1,"whole":false}'

const session = (id = 's', more = {}) =>
  JSON.stringify({
    type: 'session',
    ...{ id, title: 'title', model_name: null, agent_id: null },
    ...{ created_at: MOMENT, updated_at: MOMENT, is_archived: 0, metadata: null, ...more },
  })

const message = (id: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    type: 'message',
    ...{ id, session_id: 's', role: 'user', content: 'hello', model_name: null, created_at: MOMENT },
    ...{ metadata: null, ...more },
  })

async function split(bytes: Buffer | string, blockSize?: number): Promise<(Buffer | ChatLines)[]> {
  const text = Buffer.from(bytes)
  async function* pieces() {
    const piece = Buffer.alloc(100)
    for (let at = 0; at < text.length; at += piece.length) yield piece.subarray(0, text.copy(piece, 0, at))
  }
  const found: (Buffer | ChatLines)[] = []
  for await (const some of jsonlElements(pieces(), 'the file', { blockSize })) {
    for (const element of some) {
      if (element instanceof Refused) throw element
      found.push(Buffer.isBuffer(element) ? Buffer.from(element) : element)
    }
  }
  return found
}

const linesOf = (found: (Buffer | ChatLines)[]) =>
  found.flatMap((one) => (Buffer.isBuffer(one) ? [one] : [...elementsOf(one.json)])).map(String)

const chatsIn = (found: (Buffer | ChatLines)[]) => found.filter((one) => !Buffer.isBuffer(one)) as ChatLines[]

/**
 * The messages of chats as the database has them when SQLite takes them from the lines; undefined where it
 * refuses them.
 */
async function byLines(writer: Connection, chats: ChatLines): Promise<unknown[] | undefined> {
  try {
    expect(await insertMessageLines(writer, chats.json)).toBe(chats.messages)
    return await writer.all('SELECT * FROM chat_messages ORDER BY rowid')
  } catch (error) {
    const isRefused = error instanceof AppError ? error.code === 'INVALID' : isEngineError(error)
    if (!isRefused) throw error
    return undefined
  } finally {
    await writer.run('DELETE FROM chat_messages')
  }
}

/** The same when each line is read. */
async function oneByOne(writer: Connection, chats: ChatLines): Promise<unknown[] | string> {
  const items = [...readChats(chats)]
  const [refused] = items.filter(({ kind }) => kind === 'refused')
  if (refused) return JSON.stringify(refused)
  const rows = items.flatMap((item) => (item.kind === 'session' ? item.rows.messages : []))
  await insertPlain(writer, 'chat_messages', plainRows(rows))
  const all = await writer.all('SELECT * FROM chat_messages ORDER BY rowid')
  await writer.run('DELETE FROM chat_messages')
  return all
}

/** Runs `work` in a transaction in which every message may belong to a session that does not exist. */
const withoutSessions = (work: (writer: Connection) => Promise<void>) =>
  withTestDatabase((db) =>
    db.transaction(async (writer) => {
      await writer.run('PRAGMA defer_foreign_keys = ON')
      await work(writer)
    }),
  )

let seed = 7
/** The same whole numbers below `limit` in each run. */
function random(limit: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
  return Math.floor((seed / 2 ** 32) * limit)
}
const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T

const TEXTS = [
  '',
  'plain',
  'a "quoted" word',
  'C:\\new',
  'two\nlines\tand a tab',
  '\u001b[31mred\u001b[0m',
  'naïve 日本語 🎉',
  '\u007f\u2028',
]
const METADATA = [
  null,
  {},
  { a: 1 },
  { a: [1, -2.5e-7, true, null, { b: '\u0000 \ud800' }] },
  [[]],
  'text',
  { 'a key': ' , } ' },
]

test('SQLite takes from the lines what reading each of them gives', () =>
  withoutSessions(async (writer) => {
    const lines = TEXTS.flatMap((content, row) =>
      METADATA.map((metadata, column) =>
        message(`m${row}.${column}`, {
          content,
          metadata,
          model_name: pick([null, ...TEXTS]),
          role: pick(['user', 'assistant', 'system']),
        }),
      ),
    )
    const [chats, ...others] = await split(`${[session(), ...lines].join('\n')}\n`)
    expect(others).toEqual([])
    if (!chats || Buffer.isBuffer(chats)) throw new Error('these are the lines of an export')
    const rows = await oneByOne(writer, chats)
    expect(rows).toHaveLength(lines.length)
    expect(await byLines(writer, chats)).toEqual(rows)
  }))

const PIECES = [
  '"',
  '\\',
  ',',
  '}',
  '{',
  ']',
  '[',
  ':',
  ' ',
  '\n',
  '\r',
  '\t',
  '0',
  '1',
  '-',
  'e',
  '.',
  'null',
  'true',
  "'",
  '/',
  '\\u0000',
  '\\ud800',
  '\\x',
  '\\u00e9',
  '"role":"user",',
  '"metadata":{}',
  ',"metadata":{"a":1,}',
  'é',
  '\xff',
  'NaN',
  '0x1',
  '// x',
  '1 2',
]

/** A line in which something was put in, left out or doubled. */
function spoiled(line: string): string {
  const at = random(line.length + 1)
  const until = at + random(12)
  return (
    line.slice(0, at) +
    pick([pick(PIECES), '', line.slice(at, until).repeat(2)]) +
    line.slice(pick([at, until]))
  )
}

test('of lines that are not as export writes them, SQLite takes none that reading would give otherwise', () =>
  withoutSessions(async (writer) => {
    let taken = 0
    for (let round = 0; round < 4000; round++) {
      const lines = [
        session(),
        message('a', { metadata: pick(METADATA) }),
        message('b', { content: pick(TEXTS) }),
        message('c'),
      ]
      const index = random(lines.length)
      lines[index] = spoiled(lines[index] as string)
      const text = Buffer.from(`${lines.join('\n')}\n`, pick(['utf8', 'latin1'] as const))
      for (const chats of chatsIn(await split(text))) {
        const rows = await byLines(writer, chats)
        if (!rows) continue
        taken++
        expect({ round, lines, rows: await oneByOne(writer, chats) }).toEqual({ round, lines, rows })
      }
    }
    expect(taken).toBeGreaterThan(500)
  }))

test.each([
  ['a space', message('a').replace(':', ': ')],
  [
    'another order',
    message('a').replace('"role":"user","content":"hello"', '"content":"hello","role":"user"'),
  ],
  ['a name twice', message('a').replace('"role"', '"role":"user","role"')],
  ['another session', message('a', { session_id: 'other' })],
  ['an unknown role', message('a', { role: 'tool' })],
  ['a number for text', message('a', { content: 1 })],
  ['no content', message('a', { content: null })],
  ['half of a surrogate pair', message('a', { content: '\ud800' })],
  ['a character of which SQLite ends a text', message('a', { content: '\u0000' })],
  ['a trailing comma', message('a', { metadata: { a: 1 } }).replace('1}', '1,}')],
  ['a space in metadata', message('a', { metadata: { a: 1 } }).replace('"a":', '"a": ')],
  ['a number that JSON does not have', message('a', { metadata: { a: 7 } }).replace('7', '0x7')],
  ['a column of later versions', message('a').replace('"id"', '"rating":1,"id"')],
  ['an end of Windows', `${message('a')}\r`],
  ['an empty line', `\n${message('a')}`],
])('a chat with %s is read line by line', async (_, line) => {
  const found = await split(`${[session('first'), session(), line, session('last')].join('\n')}\n`)
  const chats = chatsIn(found).map(({ sessions }) => sessions.map((row) => row.get('id')))
  expect(chats).toEqual([['first'], ['last']])
  expect(linesOf(found)).toEqual([
    session('first'),
    session(),
    ...line.split('\n').filter(Boolean),
    session('last'),
  ])
})

test('a chat in which bytes are no text is read line by line', async () => {
  const text = Buffer.from(`${[session(), message('a', { content: 'caf\xe9' })].join('\n')}\n`, 'latin1')
  expect(chatsIn(await split(text))).toEqual([])
})

test.each([
  ['its line is of no session', session().replace('"title"', '"type":"message","title"')],
  ['its line has two ids', session().replace('"title"', '"id":"t","title"')],
  ['it has no title', session('s', { title: null })],
  ['its line is no JSON', session().replace('"title"', 'title')],
])('a chat is read line by line where %s', async (_, line) => {
  expect(chatsIn(await split(`${[line, message('a')].join('\n')}\n`))).toEqual([])
})

test('however the text is cut, the lines are the same', async () => {
  const lines = [HEADER, '{"type":"setting","key":"k"}']
  for (let chat = 0; chat < 12; chat++) {
    lines.push(session(`s${chat}`))
    for (let number = 0; number < random(6); number++)
      lines.push(
        message(`${chat}.${number}`, { session_id: `s${chat}`, content: pick(TEXTS).repeat(random(20)) }),
      )
    if (chat % 5 === 3) lines.push('no JSON', message('lost'))
  }
  lines.push('{"type":"execution","id":"x"}')
  for (const end of ['\n', ''])
    for (let blockSize = 1; blockSize < 6000; blockSize += 1 + random(100)) {
      const found = await split(`${lines.join('\n')}${end}`, blockSize)
      expect(linesOf(found)).toEqual(lines)
    }
  const chats = chatsIn(await split(`${lines.join('\n')}\n`)).flatMap(({ sessions }) => sessions)
  expect(chats).toHaveLength(10)
})

test.each([
  ['escapes', { content: '"x'.repeat(250_000) }],
  ['digits', { metadata: { n: '1'.repeat(500_000) } }],
  ['brackets', { metadata: { n: Array(250_000).fill([]) } }],
])('half a megabyte of %s does not stop it, whether it is of the form or not', async (_, more) => {
  const line = message('a', more).replace(/"(1+)"/, '$1')
  const sessions = async (text: string) =>
    chatsIn(await split(text, 2 ** 20)).flatMap((chats) => chats.sessions)
  expect(await sessions(`${[session(), line, session('last')].join('\n')}\n`)).toHaveLength(2)
  expect(
    await sessions(`${[session(), line.replace(/}$/, ' }'), session('last')].join('\n')}\n`),
  ).toHaveLength(1)
})
