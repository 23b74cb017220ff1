import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { withMemoryDatabase } from '../../src/core/engine/connect.ts'
import { Refused } from '../../src/core/transfer/conversation.ts'
import { jsonElements } from '../../src/core/transfer/import/json-elements.ts'
import { jsonlElements } from '../../src/core/transfer/import/jsonl-elements.ts'
import { sourceFiles } from '../../src/core/transfer/import/source-files.ts'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf } from '../helpers/run.ts'

/*
 * Sources of any shape: what cannot be taken over is refused with its reason and place, and the rest comes in.
 */

const MOMENT = '2025-06-05T20:22:06.000000+00:00'
let words: string[] = []

beforeEach(async () => {
  words = ['--db', await makeDatabase(), '--key-file', keyFile(RAW_KEY), '--json']
})

const session = (id: string) =>
  `{"type":"session","id":"${id}","title":"t","model_name":null,"agent_id":null,"created_at":"${MOMENT}","updated_at":"${MOMENT}","is_archived":0,"metadata":null}`
const message = (id: string, content: string) =>
  `{"type":"message","id":"m ${id}","session_id":"${id}","role":"user","content":"${content}","model_name":null,"created_at":"${MOMENT}","metadata":null}`

function source(name: string, content: string | Buffer): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, content)
  return path
}

/** Another program's database, in a file. */
async function writePlaintext(script: string): Promise<string> {
  const path = join(temporaryFolder(), 'source.db')
  await withMemoryDatabase(async (connection) => {
    await connection.exec(script)
    await connection.run('VACUUM INTO ?', [path])
  })
  return path
}

async function imported(path: string) {
  const { stdout, stderr } = await runHere(['import', path, ...words])
  return { ...JSON.parse(stdout), stderr }
}

test('jsonl: a line that is not UTF-8, or holds half a character, is refused with its number', async () => {
  const lines = [
    '{"libreollama_db_export":1,"whole":false}',
    ...[session('A'), message('A', 'fine')],
    ...[session('B'), message('B', 'caf\xe9')],
    ...[session('C'), message('C', '\\ud83d')],
    ...['', session('D'), message('D', '\xed\xa0\x80')],
    ...[session('E'), message('E', 'fine')],
  ]
  const path = source('chats.jsonl', Buffer.from(`${lines.join('\n')}\n`, 'latin1'))
  const report = await imported(path)
  expect(report).toMatchObject({ sessions_added: 2, messages_added: 2, refused: 3 })
  expect(report.refusals).toEqual([
    { file: path, line: 5, id: 'B', reason: expect.stringContaining('not valid UTF-8') },
    { file: path, line: 7, id: 'C', reason: expect.stringContaining('half of a surrogate pair') },
    { file: path, line: 10, id: 'D', reason: expect.stringContaining('not valid UTF-8') },
  ])
})

const openWebUi = (id: string, content: string) =>
  `{"id":"${id}","user_id":"u","title":"t","created_at":1700000000,"updated_at":1700000000,"chat":{"title":"t","history":{"currentId":"m",
   "messages":{"m":{"id":"m","parentId":null,"childrenIds":[],"role":"user","content":"${content}","timestamp":1700000000}}}}}`

test('JSON: a value that is not UTF-8 is refused with its line, half a character is told', async () => {
  const chats = [openWebUi('1', 'fine'), openWebUi('2', 'caf\xe9'), openWebUi('3', 'half \\ud83d')]
  const report = await imported(source('chats.json', Buffer.from(`[\n${chats.join(',\n')}]`, 'latin1')))
  expect(report).toMatchObject({ sessions_added: 2, refused: 1, converted: 1 })
  expect(report.refusals).toMatchObject([{ line: 4, reason: expect.stringContaining('not valid UTF-8') }])
  expect(report.stderr).toContain('U+FFFD')
})

test.each([
  ['in one array', jsonElements, (values: string[]) => `[${values.join(',\n')}]`],
  ['one a line', jsonElements, (values: string[]) => values.join('\n')],
  ['as lines of an export', jsonlElements, (values: string[]) => values.join('\n')],
])('a value that is too large is refused, those around it are read: %s', async (_form, read, join) => {
  const values = ['{"a":1}', `{"b":"${'x'.repeat(5000)}"}`, '{"c":3}']
  async function* chunks() {
    for (const piece of join(values).match(/.{1,100}|\n/g) ?? []) yield Buffer.from(piece)
  }
  const position = { line: 0 }
  const found: [line: number, text: string][] = []
  for await (const some of read(chunks(), 'it', { position, largest: 1000, blockSize: 100 } as object)) {
    for (const one of some as Iterable<Buffer | Refused>)
      found.push([position.line, one instanceof Refused ? one.message : String(one)])
  }
  expect(found).toEqual([
    [1, '{"a":1}'],
    [2, expect.stringContaining('has 5008 bytes')],
    [3, '{"c":3}'],
  ])
})

const OLLAMA = {
  chats: 'CREATE TABLE chats (id TEXT PRIMARY KEY, title TEXT, created_at TEXT)',
  messages:
    'CREATE TABLE messages (id INTEGER PRIMARY KEY, chat_id TEXT, role TEXT, content TEXT, model_name TEXT, stream INTEGER, created_at TEXT)',
  rows: `INSERT INTO chats (id, title, created_at) VALUES ('c', 'chat', '${MOMENT}');
    INSERT INTO messages (id, chat_id, role, content, created_at) VALUES (1, 'c', 'user', 'hello', '${MOMENT}')`,
}

test.each([
  ['chats', 'without row numbers', `${OLLAMA.chats} WITHOUT ROWID; ${OLLAMA.messages}`],
  ['messages', 'without row numbers', `${OLLAMA.chats}; ${OLLAMA.messages} WITHOUT ROWID`],
  [
    'chats',
    'with columns that hide them',
    `${OLLAMA.chats.replace('(id', '(rowid, oid, _rowid_, id')}; ${OLLAMA.messages}`,
  ],
])('a database whose table %s is one %s is refused with that cause', async (table, _form, schema) => {
  const path = await writePlaintext(`${schema}; ${OLLAMA.rows}`)
  const error = errorOf(await runHere(['import', path, ...words]))
  expect(error).toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining(`its table ${table} has no row`),
  })
  expect(error.message).toContain(path)
})

test.each([
  [
    'a view',
    `${OLLAMA.chats.replace('chats', 'other')}; CREATE VIEW chats AS SELECT * FROM other; ${OLLAMA.messages}`,
  ],
  ['a virtual table', `CREATE VIRTUAL TABLE chats USING fts5 (id, title, created_at); ${OLLAMA.messages}`],
  ['a table that lacks columns', `CREATE TABLE chats (id TEXT); ${OLLAMA.messages}`],
])('%s in the place of a table is not read', async (_form, schema) => {
  const error = errorOf(await runHere(['import', await writePlaintext(schema), ...words]))
  expect(error).toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('none of the known programs'),
  })
})

test('a column that is called rowid is not taken for the row number', async () => {
  const schema = `${OLLAMA.chats.replace(')', ", rowid TEXT DEFAULT 'same')")}; ${OLLAMA.messages}`
  const more = `INSERT INTO chats (id, title, created_at) VALUES ('d', 'another', '${MOMENT}')`
  expect(await imported(await writePlaintext(`${schema}; ${OLLAMA.rows}; ${more}`))).toMatchObject({
    sessions_added: 2,
    messages_added: 1,
  })
})

/** A zip archive of so many empty files. */
function archiveOf(count: number): Buffer {
  const names = Array.from({ length: count }, (_, index) => Buffer.from(`a${index}.txt`))
  const header = (name: Buffer, signature: number, length: number) => {
    const bytes = Buffer.alloc(length)
    bytes.writeUInt32LE(signature, 0)
    bytes.writeUInt32LE(crc32(Buffer.alloc(0)), length === 30 ? 14 : 16)
    bytes.writeUInt16LE(name.length, length === 30 ? 26 : 28)
    return bytes
  }
  const local = names.flatMap((name) => [header(name, 0x04034b50, 30), name])
  let at = 0
  const central = names.flatMap((name) => {
    const bytes = header(name, 0x02014b50, 46)
    bytes.writeUInt32LE(at, 42)
    at += 30 + name.length
    return [bytes, name]
  })
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(Buffer.concat(central).length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...local, ...central, end])
}

test('the time of an archive grows with its entries', async () => {
  const path = source('few.zip', archiveOf(100))
  expect(await imported(path)).toMatchObject({ files: 0, ignored: 100 })
  const timed = async (count: number) => {
    const archive = source(`${count}.zip`, archiveOf(count))
    const began = performance.now()
    let entries = 0
    for await (const { total } of sourceFiles(archive)) entries += total === 0 ? 1 : 0
    expect(entries).toBe(count)
    return performance.now() - began
  }
  const [few, many] = [await timed(3000), await timed(30_000)]
  expect(many).toBeLessThan(few * 40)
})
