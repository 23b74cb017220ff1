import { withMemoryDatabase } from '../../../src/core/engine/connect.ts'
import type { Connection } from '../../../src/core/engine/connection.ts'
import { checkConstraints, evenOut, readSchema } from '../../../src/core/schema/schema.ts'
import { compareSchemas, expectedSchema } from '../../../src/core/schema/schema-check.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'

/** A database at the latest version in memory, changed by `sql`, beside what is expected. */
async function drifted<T>(
  sql: string,
  work: (connection: Connection, findings: ReturnType<typeof compareSchemas>) => Promise<T>,
) {
  const migrations = await shippedMigrations()
  const expected = await expectedSchema(migrations, migrations.length)
  return withMemoryDatabase(async (connection) => {
    for (const { up } of migrations) await connection.exec(up)
    await connection.exec(`PRAGMA foreign_keys = OFF; ${sql}`)
    return work(connection, compareSchemas(expected, await readSchema(connection)))
  })
}

const WITHOUT_ACTION = `CREATE TABLE t (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, session_id TEXT, input TEXT NOT NULL,
  output TEXT, status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
  started_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, completed_at DATETIME, error_message TEXT, metadata TEXT,
  FOREIGN KEY (agent_id) REFERENCES agents (id),
  FOREIGN KEY (session_id) REFERENCES chat_sessions (id) ON DELETE SET NULL);`
const replaceExecutions = (create: string) =>
  `DROP TABLE agent_executions; ${create} PRAGMA legacy_alter_table = ON; ALTER TABLE t RENAME TO agent_executions;
   CREATE INDEX idx_agent_executions_agent_id ON agent_executions (agent_id);
   CREATE INDEX idx_agent_executions_session_id ON agent_executions (session_id);
   CREATE INDEX idx_agent_executions_status ON agent_executions (status);
   CREATE INDEX idx_agent_executions_started_at ON agent_executions (started_at DESC);`

test.each([
  [
    'a missing table, which stands for its indexes',
    'DROP TABLE agent_executions',
    ['missing table agent_executions'],
  ],
  ['an extra table', 'CREATE TABLE stray (a); CREATE INDEX s ON stray (a)', ['extra table stray']],
  ['a missing column', 'ALTER TABLE agents DROP COLUMN metadata', ['missing column agents.metadata']],
  ['an extra column', 'ALTER TABLE agents ADD COLUMN mood TEXT', ['extra column agents.mood']],
  [
    'a column of another type',
    'ALTER TABLE agents DROP COLUMN max_tokens; ALTER TABLE agents ADD COLUMN max_tokens TEXT',
    ['changed column agents.max_tokens'],
  ],
  [
    'a column of another default',
    'ALTER TABLE chat_sessions DROP COLUMN is_archived; ALTER TABLE chat_sessions ADD COLUMN is_archived BOOLEAN NOT NULL DEFAULT TRUE',
    ['changed column chat_sessions.is_archived'],
  ],
  [
    'a missing index',
    'DROP INDEX idx_chat_messages_role',
    ['missing index chat_messages.idx_chat_messages_role'],
  ],
  [
    'an index in the other direction',
    'DROP INDEX idx_chat_sessions_created_at; CREATE INDEX idx_chat_sessions_created_at ON chat_sessions (created_at)',
    ['changed index chat_sessions.idx_chat_sessions_created_at'],
  ],
  ['an extra index', 'CREATE INDEX mine ON agents (name)', ['extra index agents.mine']],
  [
    'an extra trigger',
    'CREATE TRIGGER spy AFTER INSERT ON agents BEGIN SELECT 1; END',
    ['extra trigger agents.spy'],
  ],
  ['an extra view', 'CREATE VIEW v AS SELECT 1', ['extra view v.v']],
  [
    'a foreign key without its action',
    replaceExecutions(WITHOUT_ACTION),
    ['changed foreign_key agent_executions.agent_id'],
  ],
  [
    'a CHECK that allows more',
    replaceExecutions(
      WITHOUT_ACTION.replace("'failed'", "'failed', 'lost'").replace(
        'agents (id)',
        'agents (id) ON DELETE CASCADE',
      ),
    ),
    ['changed table agent_executions'],
  ],
  [
    'a column of another type in a table with triggers and a view on it',
    'ALTER TABLE chat_messages DROP COLUMN metadata; ALTER TABLE chat_messages ADD COLUMN metadata BLOB',
    ['changed column chat_messages.metadata'],
  ],
  [
    'a missing trigger',
    'DROP TRIGGER message_search_update',
    ['missing trigger chat_messages.message_search_update'],
  ],
])('finds %s, and its SQL mends it', async (_case, sql, expected) => {
  await drifted(sql, async (connection, findings) => {
    const names = findings.map(
      ({ kind, type, table, name }) => `${kind} ${type} ${type === 'table' ? name : `${table}.${name}`}`,
    )
    expect(names).toEqual(expected)
    for (const { fix_sql } of findings) await connection.exec(fix_sql)
    const migrations = await shippedMigrations()
    const after = compareSchemas(
      await expectedSchema(migrations, migrations.length),
      await readSchema(connection),
    )
    expect(after).toEqual([])
  })
})

test('mending a table keeps its rows', async () => {
  const row = "INSERT INTO agents (id, name, model_name) VALUES ('a', 'Ada', 'm');"
  const change = 'ALTER TABLE agents DROP COLUMN max_tokens; ALTER TABLE agents ADD COLUMN max_tokens TEXT;'
  await drifted(`${row} ${change}`, async (connection, [finding]) => {
    await connection.exec(finding?.fix_sql ?? '')
    expect(await connection.all('SELECT id, name FROM agents')).toEqual([{ id: 'a', name: 'Ada' }])
  })
})

test('SQL that differs only in spaces, comments and case is the same', () => {
  expect(evenOut("CREATE  TABLE t (\n a TEXT -- why\n DEFAULT 'A  b' );")).toBe(
    evenOut("create table T(a text default 'A  b')"),
  )
  expect(evenOut("DEFAULT 'A'")).not.toBe(evenOut("DEFAULT 'a'"))
})

test('CHECK constraints are found with parentheses and quotes inside', () => {
  expect(checkConstraints("CREATE TABLE t (a CHECK (a IN (')', 'x')), b, CHECK (length(b) > 0))")).toEqual([
    "(a in(')','x'))",
    '(length(b)>0)',
  ])
})
