import { join } from 'node:path'
import { withDatabase } from '../../../src/core/database/database.ts'
import { searchMessages } from '../../../src/core/search/search.ts'
import * as library from '../../../src/index.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { change, checksOf, makeChats, use } from '../../helpers/damage.ts'
import { keys } from '../../helpers/database.ts'

const chatgpt = join(packageRoot(), '__tests__/fixtures/transfer/chatgpt.json')
const drain = async (pages: AsyncGenerator<unknown>) => {
  for await (const _ of pages);
}

type Work = (db: library.Database) => Promise<unknown>
const message = { session_id: 'session-1', role: 'user', content: 'x' } as const
const WORK: Record<string, Work> = {
  stats: library.getDatabaseStats,
  'list sessions': (db) => drain(library.listChatSessions(db)),
  'list messages': (db) => drain(library.listChatMessages(db)),
  'get a session': (db) => library.getChatSession(db, 'session-1'),
  'add a message': (db) => library.createChatMessage(db, message),
  'change a session': (db) => library.updateChatSession(db, 'session-1', { title: 'x' }),
  'delete a session': (db) => library.deleteChatSession(db, 'session-1'),
  'make an agent': (db) => library.createAgent(db, { name: 'a', model_name: 'm' }),
  'set a setting': (db) => library.setSetting(db, 'theme', 'dark'),
  search: (db) => library.searchChatMessages(db, 'bread'),
  'search by syntax': (db) => library.searchChatMessages(db, 'bread OR cake', { fts: true }),
  import: (db) => library.importConversations(db, chatgpt),
  migrate: library.runMigrations,
}

/** Each work comes to its end, or to a cause that says where to look. */
async function expectCauses(path: string, refused: string[]): Promise<void> {
  const found: string[] = []
  for (const [name, work] of Object.entries(WORK)) {
    const failure = await use(path, async (db) => {
      await work(db)
    }).catch((error) => error)
    if (failure === undefined) continue
    expect({ name, code: failure.code, hint: failure.hint }).toMatchObject({
      code: expect.stringMatching(/^(CHECK_FAILED|PENDING|MIGRATION_FAILED)$/),
      hint: expect.stringMatching(/compare the schema|migrate the database/),
    })
    found.push(name)
  }
  expect(found).toEqual(expect.arrayContaining(refused))
  const checks = await checksOf(path)
  expect(checks.schema).toMatchObject({ status: 'fail', hint: expect.stringMatching(/compare the schema/) })
  expect(await use(path, library.verifySchema)).toMatchObject({ valid: false })
}

const asView = (table: string) =>
  `PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; CREATE TABLE other AS SELECT * FROM ${table};
   DROP TABLE ${table}; CREATE VIEW ${table} AS SELECT * FROM other; PRAGMA legacy_alter_table = OFF`

test.each([
  [
    'a column missing',
    'ALTER TABLE chat_messages DROP COLUMN metadata',
    ['list messages', 'search', 'search by syntax', 'import'],
  ],
  [
    'a column with another name',
    'ALTER TABLE chat_sessions RENAME COLUMN title TO name',
    ['list sessions', 'change a session'],
  ],
  [
    'a column that figures need',
    'DROP INDEX idx_agents_is_active; ALTER TABLE agents DROP COLUMN is_active',
    ['stats', 'make an agent'],
  ],
  ['a table missing', 'DROP TABLE settings', ['set a setting']],
  [
    'a table that others refer to',
    'PRAGMA foreign_keys = OFF; DROP TABLE agents',
    ['make an agent', 'delete a session'],
  ],
  ['a view in the place of sessions', asView('chat_sessions'), ['change a session', 'import']],
  ['a view in the place of messages', asView('chat_messages'), ['add a message', 'import']],
  [
    'a table without its key',
    `PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; CREATE TABLE other AS SELECT * FROM chat_sessions;
    DROP TABLE chat_sessions; ALTER TABLE other RENAME TO chat_sessions; PRAGMA legacy_alter_table = OFF`,
    ['import', 'add a message'],
  ],
  ['no versions', 'DROP TABLE schema_version', ['migrate']],
  ['versions under another name', 'ALTER TABLE schema_version RENAME COLUMN version TO v', ['migrate']],
  ['versions without their time', 'ALTER TABLE schema_version DROP COLUMN applied_at', []],
  [
    'a trigger that writes to nowhere',
    'CREATE TRIGGER bad AFTER UPDATE ON settings BEGIN INSERT INTO nowhere VALUES (1); END',
    ['set a setting'],
  ],
])('%s: every work ends, or with its cause', async (_, script, refused) => {
  const path = await makeChats()
  await change(path, script)
  await expectCauses(path, refused)
})

test('a table without an index works as before, and is told', async () => {
  const path = await makeChats()
  await change(path, 'DROP INDEX idx_chat_messages_session_id')
  for (const work of Object.values(WORK))
    await use(path, work).catch((error) => expect(error.code).toBe('NOT_FOUND'))
  expect((await checksOf(path)).schema).toMatchObject({ status: 'fail' })
})

test('tables without a version are compared with those of the latest, and none is one too many', async () => {
  const path = await makeChats()
  await change(path, 'DROP TABLE schema_version')
  const { findings } = await use(path, library.verifySchema)
  expect(findings).toMatchObject([{ kind: 'missing', type: 'table', name: 'schema_version' }])
})

test('a constraint that ignores is a difference', async () => {
  const path = await makeChats()
  await change(
    path,
    `CREATE TABLE other (key TEXT PRIMARY KEY ON CONFLICT IGNORE, value TEXT NOT NULL, description TEXT,
       created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);
     DROP TABLE settings; ALTER TABLE other RENAME TO settings`,
  )
  expect((await use(path, library.verifySchema)).findings).toMatchObject([
    { kind: 'changed', table: 'settings', actual: 'on conflict ignore' },
  ])
})

test('an empty schema is said to be older than what is needed', async () => {
  const path = await makeChats()
  await change(
    path,
    'DROP VIEW message_search_content; DROP TABLE message_search; DROP TABLE message_search_rows; PRAGMA foreign_keys = OFF; DROP TABLE chat_messages; DROP TABLE agent_executions; DROP TABLE chat_sessions; DROP TABLE agents; DROP TABLE settings; DROP TABLE schema_version',
  )
  await expect(use(path, (db) => drain(library.listChatSessions(db)))).rejects.toMatchObject({
    code: 'PENDING',
  })
})

test('a fault of our own SQL stays a fault where the tables are as they should be', async () => {
  const path = await makeChats()
  const failure = await use(path, (db) =>
    db.read((reader) => reader.all('SELECT nothing FROM nowhere')),
  ).catch((error) => error)
  expect(failure).toMatchObject({ code: 'SQLITE_ERROR' })
})

test('syntax of FTS5 is still told from drift', async () => {
  const path = await makeChats()
  await change(path, 'ALTER TABLE chat_messages DROP COLUMN model_name')
  const search = withDatabase({ path, keys }, (db) =>
    db.read((reader) => searchMessages(reader, 'AND AND', { fts: true })),
  )
  await expect(search).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringMatching(/FTS5 syntax/),
  })
})
