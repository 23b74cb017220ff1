import { createHash } from 'node:crypto'
import { isOllama, readOllama } from '../../../src/core/transfer/readers/ollama/ollama.ts'
import { readForeign, said, withForeign } from '../../helpers/foreign.ts'

const FIRST = `CREATE TABLE settings (id INTEGER PRIMARY KEY, device_id TEXT NOT NULL DEFAULT '', schema_version INTEGER NOT NULL DEFAULT 2);
  CREATE TABLE chats (id TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, chat_id TEXT NOT NULL, role TEXT NOT NULL,
    content TEXT NOT NULL DEFAULT '', thinking TEXT NOT NULL DEFAULT '', stream BOOLEAN NOT NULL DEFAULT 0, model_name TEXT,
    model_cloud BOOLEAN, model_ollama_host BOOLEAN, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, thinking_time_start TIMESTAMP, thinking_time_end TIMESTAMP,
    FOREIGN KEY (chat_id) REFERENCES chats (id) ON DELETE CASCADE);
  CREATE TABLE tool_calls (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id INTEGER NOT NULL, type TEXT NOT NULL,
    function_name TEXT NOT NULL, function_arguments TEXT NOT NULL, function_result TEXT);`
const CURRENT = `${FIRST} ALTER TABLE chats ADD COLUMN browser_state TEXT; ALTER TABLE messages ADD COLUMN tool_result TEXT;
  CREATE TABLE attachments (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id INTEGER NOT NULL, filename TEXT NOT NULL, data BLOB NOT NULL);
  CREATE TABLE users (name TEXT NOT NULL DEFAULT '', email TEXT NOT NULL DEFAULT '', plan TEXT NOT NULL DEFAULT '');
  INSERT INTO users VALUES ('canary', 'canary@example.org', 'pro');`

const CHAT = `INSERT INTO chats (id, title, created_at) VALUES ('c-1', 'Weather', '2025-09-30 10:01:02.123456-07:00');`

test.each([
  ['the first released shape', FIRST, true],
  ['the current shape', CURRENT, true],
  [
    'another program with messages',
    'CREATE TABLE chats (id, title, created_at); CREATE TABLE messages (id, chat_id)',
    false,
  ],
])('the app is recognised in %s', async (_case, script, expected) => {
  await withForeign(script, async (connection) => expect(await isOllama(connection)).toBe(expected))
})

test.each([
  ['the first released shape', FIRST],
  ['the current shape', CURRENT],
])('a chat in %s is a chain with ids from the places', async (_case, shape) => {
  const { conversations } = await readForeign(
    `${shape} ${CHAT} INSERT INTO messages (id, chat_id, role, content, thinking, model_name, created_at, updated_at,
        thinking_time_start, thinking_time_end) VALUES
      (907, 'c-1', 'assistant', 'sunny', 'look outside', 'qwen3', '2025-09-30 10:01:04-07:00', '2025-09-30 17:01:09',
        '2025-09-30 10:01:03.5-07:00', '2025-09-30 10:01:05-07:00'),
      (905, 'c-1', 'user', 'how is it', '', NULL, '2025-09-30 10:01:03 -0700 PDT', '2025-09-30 10:01:03-07:00', NULL, NULL)`,
    readOllama,
  )
  expect(conversations).toEqual([
    {
      id: 'c-1',
      title: 'Weather',
      created_at: '2025-09-30T17:01:02.123456+00:00',
      updated_at: '2025-09-30T17:01:09.000000+00:00',
      model_name: 'qwen3',
      is_archived: false,
      metadata: {},
      current: '1',
      nodes: [
        expect.objectContaining({
          id: '0',
          parent: null,
          role: 'user',
          created_at: '2025-09-30T17:01:03.000000+00:00',
        }),
        expect.objectContaining({
          id: '1',
          parent: '0',
          role: 'assistant',
          model_name: 'qwen3',
          parts: [
            { kind: 'reasoning', text: 'look outside' },
            { kind: 'text', text: 'sunny' },
          ],
          metadata: { thinking_ms: 1500 },
        }),
      ],
    },
  ])
})

test('an empty answer only tells the model; an empty title is none', async () => {
  const { conversations } = await readForeign(
    `${CURRENT} INSERT INTO chats (id) VALUES ('c-2'); INSERT INTO messages (chat_id, role, content, model_name) VALUES
      ('c-2', 'user', 'hello', NULL), ('c-2', 'assistant', '', 'gemma3')`,
    readOllama,
  )
  expect(conversations).toMatchObject([{ title: null, model_name: 'gemma3', current: '0' }])
  expect(conversations.flatMap(said)).toEqual(['user: hello'])
})

test('tools that were called and what they answered', async () => {
  const { conversations } = await readForeign(
    `${CURRENT} ${CHAT} INSERT INTO messages (id, chat_id, role, content, tool_result) VALUES
      (1, 'c-1', 'user', 'search', NULL), (2, 'c-1', 'assistant', '', NULL), (3, 'c-1', 'tool', 'found', '{"hits":2}'),
      (4, 'c-1', 'tool', 'plain', NULL), (5, 'c-1', 'assistant', 'done', NULL);
     INSERT INTO tool_calls (message_id, type, function_name, function_arguments, function_result) VALUES
      (2, 'function', 'web_search', '{"q":"x"}', NULL), (2, 'function', 'web_fetch', 'not json', NULL)`,
    readOllama,
  )
  expect(conversations[0]?.nodes.map(({ role, hidden, parts }) => [role, hidden, parts])).toEqual([
    ['user', false, [{ kind: 'text', text: 'search' }]],
    [
      'assistant',
      false,
      [
        { kind: 'tool_call', name: 'web_search', input: { q: 'x' } },
        { kind: 'tool_call', name: 'web_fetch', input: 'not json' },
      ],
    ],
    [
      'tool',
      true,
      [{ kind: 'tool_result', name: 'web_search', output: { content: 'found', result: { hits: 2 } } }],
    ],
    ['tool', true, [{ kind: 'tool_result', name: 'web_fetch', output: 'plain' }]],
    ['assistant', false, [{ kind: 'text', text: 'done' }]],
  ])
})

test('what a tool answered is unpacked; nothing, however it is written, is no answer', async () => {
  const { conversations } = await readForeign(
    `${CURRENT} ${CHAT} INSERT INTO messages (id, chat_id, role, content, tool_result) VALUES
      (1, 'c-1', 'assistant', '', NULL), (2, 'c-1', 'tool', '{"id":1234567890123456789}', 'null'), (3, 'c-1', 'tool', '', '"moss"');
     INSERT INTO tool_calls (message_id, type, function_name, function_arguments, function_result) VALUES
      (1, 'function', 'a', '{}', ''), (1, 'function', 'b', 'null', NULL)`,
    readOllama,
  )
  expect(conversations[0]?.nodes.flatMap(({ parts }) => parts)).toEqual([
    { kind: 'tool_call', name: 'a', input: {} },
    { kind: 'tool_call', name: 'b', input: null },
    { kind: 'tool_result', name: 'a', output: '{"id":1234567890123456789}' },
    { kind: 'tool_result', name: 'b', output: 'moss' },
  ])
})

test('attachments are told by name, size and hash', async () => {
  const { conversations } = await readForeign(
    `${CURRENT} ${CHAT} INSERT INTO messages (id, chat_id, role, content) VALUES (1, 'c-1', 'user', '');
     INSERT INTO attachments (message_id, filename, data) VALUES (1, 'a.png', x'00ff10')`,
    readOllama,
  )
  expect(conversations[0]?.nodes[0]?.parts).toEqual([
    {
      kind: 'attachment',
      name: 'a.png',
      type: null,
      bytes: 3,
      sha256: createHash('sha256').update(Buffer.from('00ff10', 'hex')).digest('hex'),
    },
  ])
})

test('more chats than a page holds come each once', async () => {
  const { conversations } = await readForeign(
    `${CURRENT} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
     INSERT INTO chats (id, title) SELECT 'c' || i, 't' FROM n`,
    readOllama,
  )
  expect(new Set(conversations.map(({ id }) => id)).size).toBe(1201)
  expect(conversations).toHaveLength(1201)
})
