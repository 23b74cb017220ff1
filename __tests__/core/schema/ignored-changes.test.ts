import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as library from '../../../src/index.ts'
import { change, makeChats, use } from '../../helpers/damage.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

type Write = (db: library.Database) => Promise<unknown>

const ignoring = (event: string, table: string, when = '') =>
  `CREATE TRIGGER quiet BEFORE ${event} ON ${table} ${when} BEGIN SELECT RAISE(IGNORE); END`

const AGENT = `INSERT INTO agents (id, name, model_name) VALUES ('agent-01', 'Ada', 'm');
  INSERT INTO agent_executions (id, agent_id, input, status) VALUES ('run-0001', 'agent-01', 'x', 'running');`

/** A table made again with other constraints, its rows and the rest of the schema as they were. */
const remade = (table: string, columns: string) =>
  `PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; CREATE TABLE other (${columns});
   INSERT INTO other SELECT * FROM ${table}; DROP TABLE ${table}; ALTER TABLE other RENAME TO ${table};
   PRAGMA legacy_alter_table = OFF`

const SETTINGS = 'key TEXT PRIMARY KEY, value TEXT NOT NULL'
const REST = 'description TEXT, created_at DATETIME, updated_at DATETIME'

const message = { session_id: 'session-1', role: 'user', content: 'is it there?' } as const
const cases: [string, string, Write, RegExp][] = [
  [
    'a message, by a trigger',
    ignoring('INSERT', 'chat_messages'),
    (db) => library.createChatMessage(db, message),
    /chat_messages.*trigger quiet/,
  ],
  [
    'one message of many',
    ignoring('INSERT', 'chat_messages', "WHEN new.role = 'system'"),
    (db) => library.createChatMessages(db, [message, { ...message, role: 'system' }]),
    /chat_messages.*trigger quiet/,
  ],
  [
    'the time of the chat of a message',
    ignoring('UPDATE', 'chat_sessions'),
    (db) => library.createChatMessage(db, message),
    /chat_sessions.*trigger quiet/,
  ],
  [
    'an update',
    ignoring('UPDATE', 'chat_sessions'),
    (db) => library.updateChatSession(db, 'session-1', { title: 'Cake' }),
    /chat_sessions.*trigger quiet/,
  ],
  [
    'a deletion',
    ignoring('DELETE', 'chat_sessions'),
    (db) => library.deleteChatSession(db, 'session-1'),
    /chat_sessions.*trigger quiet/,
  ],
  [
    'a deletion that goes along',
    ignoring('DELETE', 'chat_messages'),
    (db) => library.deleteChatSession(db, 'session-1'),
    /chat_messages.*trigger quiet/,
  ],
  [
    'a setting that is there',
    ignoring('UPDATE', 'settings'),
    (db) => library.setSetting(db, 'theme', 'dark'),
    /settings.*trigger quiet/,
  ],
  [
    'a setting that is new',
    ignoring('INSERT', 'settings'),
    (db) => library.setSetting(db, 'new', 'dark'),
    /settings.*trigger quiet/,
  ],
  [
    'the end of an execution',
    `${AGENT} ${ignoring('UPDATE', 'agent_executions')}`,
    (db) => library.endAgentExecution(db, 'run-0001', 'completed'),
    /agent_executions.*trigger quiet/,
  ],
  [
    'a value that a trigger puts back',
    'CREATE TRIGGER back AFTER UPDATE ON settings BEGIN UPDATE settings SET value = old.value WHERE key = new.key; END',
    (db) => library.setSetting(db, 'theme', 'dark'),
    /settings.*trigger back/,
  ],
  [
    'a record that a trigger removes again',
    'CREATE TRIGGER away AFTER INSERT ON agents BEGIN DELETE FROM agents WHERE id = new.id; END',
    (db) => library.createAgent(db, { name: 'Ada', model_name: 'm' }),
    /agents.*trigger away/,
  ],
  [
    'a record that a trigger writes again after its deletion',
    'CREATE TRIGGER again AFTER DELETE ON settings BEGIN INSERT INTO settings (key, value) VALUES (old.key, old.value); END',
    (db) => library.deleteSetting(db, 'theme'),
    /settings.*trigger again/,
  ],
  [
    'what a constraint ignores',
    remade('settings', `${SETTINGS}, ${REST}, UNIQUE (value) ON CONFLICT IGNORE`),
    (db) => library.createSetting(db, { key: 'new', value: '0.7' }),
    /same settings.value already/,
  ],
  [
    'what a constraint puts in the place of another record',
    remade('settings', `${SETTINGS}, ${REST}, UNIQUE (value) ON CONFLICT REPLACE`),
    (db) => library.setSetting(db, 'theme', '0.7'),
    /same settings.value already/,
  ],
  [
    'a view in the place of a table',
    `CREATE TABLE other AS SELECT * FROM settings; DROP TABLE settings; CREATE VIEW settings AS SELECT * FROM other;
     CREATE TRIGGER instead INSTEAD OF INSERT ON settings BEGIN SELECT 1; END`,
    (db) => library.createSetting(db, { key: 'new', value: 'x' }),
    /settings.*trigger instead/,
  ],
]

const everything = (path: string) =>
  use(path, async (db) => {
    const tables = ['chat_sessions', 'chat_messages', 'settings', 'agents', 'agent_executions']
    const rows = tables.map((table) => db.read((reader) => reader.all(`SELECT * FROM ${table} ORDER BY 1`)))
    return Promise.all(rows)
  })

test.each(cases)('not reported as done: %s', async (_, script, write, words) => {
  const path = await makeChats()
  await change(path, script)
  const before = await everything(path)
  await expect(use(path, write)).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringMatching(words),
  })
  expect(await everything(path)).toEqual(before)
})

test.each([
  [
    'that sets when a record was changed',
    'CREATE TRIGGER touch AFTER UPDATE ON chat_sessions BEGIN UPDATE chat_sessions SET updated_at = CURRENT_TIMESTAMP WHERE id = new.id; END',
  ],
  [
    'that keeps a log, and ignores what it has already',
    'CREATE TABLE log (id TEXT UNIQUE); CREATE TRIGGER log AFTER UPDATE ON chat_sessions BEGIN INSERT OR IGNORE INTO log VALUES (new.id); END',
  ],
])('a trigger %s keeps nothing from being done', async (_, script) => {
  const path = await makeChats()
  await change(path, script)
  await use(path, async (db) => {
    await library.createChatMessage(db, message)
    for (const title of ['Cake', 'Pie'])
      expect(await library.updateChatSession(db, 'session-1', { title })).toMatchObject({ title })
  })
})

describe('an import', () => {
  const at = '2025-06-05T20:22:06.000000+00:00'
  const session = {
    type: 'session',
    id: 'new-1',
    title: 'New',
    model_name: null,
    agent_id: null,
    created_at: at,
    updated_at: at,
    is_archived: 0,
    metadata: null,
  }
  const said = (id: string, role: string) => ({
    type: 'message',
    id,
    session_id: 'new-1',
    role,
    content: id,
    model_name: null,
    created_at: at,
    metadata: null,
  })
  const other = { ...session, id: 'new-2' }
  const lines = [
    { libreollama_db_export: 1 },
    { type: 'setting', key: 'mine', value: '1', description: null, created_at: at, updated_at: at },
    {
      type: 'agent',
      id: 'agent-9',
      name: 'A',
      description: null,
      model_name: 'm',
      system_prompt: null,
      temperature: 0.7,
      max_tokens: null,
      created_at: at,
      updated_at: at,
      is_active: 1,
      metadata: null,
    },
    session,
    said('a', 'user'),
    said('b', 'system'),
    other,
    { ...said('c', 'user'), session_id: 'new-2' },
  ]

  async function imported(script: string, onConflict: 'skip' | 'replace' = 'skip') {
    const path = await makeChats()
    const source = join(temporaryFolder(), 'chats.jsonl')
    writeFileSync(source, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await change(path, script)
    const report = await use(path, (db) => library.importConversations(db, source, { onConflict }))
    const there = await use(path, (db) =>
      db.read((reader) =>
        reader.get(`SELECT (SELECT count(*) FROM chat_sessions) - 1 AS sessions,
          (SELECT count(*) FROM chat_messages WHERE session_id LIKE 'new-%') AS messages,
          (SELECT count(*) FROM agents) AS agents, (SELECT count(*) FROM settings WHERE key = 'mine') AS settings`),
      ),
    )
    const {
      sessions_added: sessions,
      messages_added: messages,
      agents_added: agents,
      settings_added: settings,
    } = report
    expect({ sessions, messages, agents, settings }).toEqual(there) // what is counted is what is there
    return report
  }

  test.each([
    ['nothing', 'SELECT 1', { sessions_added: 2, messages_added: 3, refused: 0 }],
    [
      'all messages',
      ignoring('INSERT', 'chat_messages'),
      { sessions_added: 0, messages_added: 0, refused: 2 },
    ],
    [
      'some messages',
      ignoring('INSERT', 'chat_messages', "WHEN new.role = 'system'"),
      { sessions_added: 1, messages_added: 1, refused: 1 },
    ],
    ['the sessions', ignoring('INSERT', 'chat_sessions'), { sessions_added: 0, refused: 2 }],
    ['the settings', ignoring('INSERT', 'settings'), { settings_added: 0, sessions_added: 2, refused: 1 }],
    ['the agents', ignoring('INSERT', 'agents'), { agents_added: 0, sessions_added: 2, refused: 1 }],
    [
      'a message afterwards',
      "CREATE TRIGGER away AFTER INSERT ON chat_messages WHEN new.id = 'c' BEGIN DELETE FROM chat_messages WHERE id = 'c'; END",
      { sessions_added: 1, messages_added: 2, refused: 1 },
    ],
    [
      'the words of a message',
      "CREATE TRIGGER words AFTER INSERT ON chat_messages WHEN new.id = 'c' BEGIN UPDATE chat_messages SET content = '' WHERE id = 'c'; END",
      { sessions_added: 1, messages_added: 2, refused: 1 },
    ],
    [
      'by the trigger of the index',
      'DROP TRIGGER message_search_insert; CREATE TRIGGER message_search_insert AFTER INSERT ON chat_messages BEGIN DELETE FROM chat_messages WHERE id = new.id; END',
      { sessions_added: 0, messages_added: 0, refused: 2 },
    ],
    [
      'deletions too, which take back nothing',
      `${ignoring('DELETE', 'chat_sessions')}; CREATE TRIGGER more BEFORE INSERT ON chat_messages BEGIN SELECT RAISE(IGNORE); END`,
      { sessions_added: 0, messages_added: 0, refused: 2 },
    ],
  ])('counts what is there where %s is ignored', async (_, script, counts) => {
    const report = await imported(script)
    expect(report).toMatchObject(counts)
    for (const { reason } of report.refusals) expect(reason).toMatch(/did not keep .*trigger/)
  })

  test('that replaces is refused where an update is ignored', async () => {
    const known = `INSERT INTO chat_sessions (id, title) VALUES ('new-1', 'Old'); INSERT INTO agents (id, name, model_name) VALUES ('agent-9', 'Old', 'm')`
    const path = await makeChats()
    const source = join(temporaryFolder(), 'chats.jsonl')
    writeFileSync(source, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await change(
      path,
      `${known}; ${ignoring('UPDATE', 'chat_sessions')}; CREATE TRIGGER quiet2 BEFORE UPDATE ON agents BEGIN SELECT RAISE(IGNORE); END`,
    )
    const report = await use(path, (db) => library.importConversations(db, source, { onConflict: 'replace' }))
    expect(report).toMatchObject({ sessions_updated: 0, agents_updated: 0, sessions_added: 1, refused: 2 })
  })
})
