import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../../../src/core/database/database.ts'
import type { Connection } from '../../../src/core/engine/connection.ts'
import { searchMessages } from '../../../src/core/search/search.ts'
import { DeferredSearchIndex } from '../../../src/core/search/search-index.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { withTestDatabase } from '../../helpers/database.ts'

const SCHEMA = "SELECT name, sql FROM sqlite_schema WHERE tbl_name LIKE '%message%' ORDER BY name"

async function insert(writer: Connection, ...words: string[]): Promise<void> {
  await writer.run("INSERT OR IGNORE INTO chat_sessions (id, title) VALUES ('s', 's')")
  for (const word of words)
    await writer.run(
      "INSERT INTO chat_messages (id, session_id, role, content) VALUES (?1, 's', 'user', 'says ' || ?1)",
      [word],
    )
}

/** The messages that the index finds, and whether it agrees with them in every word. */
async function found(db: Database, word = 'says'): Promise<string[]> {
  await db.transaction((writer) =>
    writer.run("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)"),
  )
  const hits = await db.read((reader) => searchMessages(reader, word))
  return hits.map(({ id }) => String(id)).sort()
}

test('what was put off is indexed at the end, and the schema is as it was', () =>
  withTestDatabase(async (db) => {
    await db.transaction((writer) => insert(writer, 'early'))
    const before = await db.read((reader) => reader.all(SCHEMA))
    await db.transaction(async (writer) => {
      const index = new DeferredSearchIndex(writer)
      await index.defer()
      await insert(writer, 'one', 'two')
      expect(await writer.get("SELECT 1 FROM message_search_rows WHERE message_id = 'one'")).toBeUndefined()
      await index.catchUp()
      await insert(writer, 'late')
    })
    expect(await found(db)).toEqual(['early', 'late', 'one', 'two'])
    expect(await db.read((reader) => reader.all(SCHEMA))).toEqual(before)
    expect(await db.read((reader) => reader.all('SELECT k FROM message_search_config'))).toEqual([
      { k: 'version' },
    ])
  }))

test('messages that are changed and removed meanwhile are indexed as they are in the end', () =>
  withTestDatabase(async (db) => {
    await db.transaction((writer) => insert(writer, 'a', 'b', 'c'))
    await db.transaction(async (writer) => {
      const index = new DeferredSearchIndex(writer)
      await index.defer()
      await insert(writer, 'd', 'e')
      await writer.run("UPDATE chat_messages SET content = 'says other' WHERE id IN ('a', 'd')")
      await writer.run("DELETE FROM chat_messages WHERE id IN ('b', 'e')")
      await index.catchUp()
    })
    expect(await found(db)).toEqual(['a', 'c', 'd'])
    expect(await found(db, 'other')).toEqual(['a', 'd'])
  }))

test('messages are indexed whose rowids belonged to others', () =>
  withTestDatabase(async (db) => {
    await db.transaction((writer) => insert(writer, 'a', 'b', 'c'))
    await db.transaction(async (writer) => {
      const index = new DeferredSearchIndex(writer)
      await index.defer()
      await insert(writer, 'd')
      await writer.run("DELETE FROM chat_messages WHERE id <> 'a'")
      await insert(writer, 'e', 'f', 'g')
      expect(await writer.get("SELECT rowid FROM chat_messages WHERE id = 'e'")).toEqual({ rowid: 2 })
      await index.catchUp()
    })
    expect(await found(db)).toEqual(['a', 'e', 'f', 'g'])
  }))

test('more messages than one statement takes are all indexed', () =>
  withTestDatabase(async (db) => {
    await db.transaction(async (writer) => {
      const index = new DeferredSearchIndex(writer)
      await index.defer()
      await writer.run("INSERT INTO chat_sessions (id, title) VALUES ('s', 's')")
      await writer.run(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 12345)
        INSERT INTO chat_messages (id, session_id, role, content) SELECT n, 's', 'user', 'says ' || n FROM numbers`)
      await index.catchUp()
    })
    expect(await found(db)).toHaveLength(12345)
  }))

test('a transaction that is rolled back leaves the index to its trigger', () =>
  withTestDatabase(async (db) => {
    const failing = db.transaction(async (writer) => {
      await new DeferredSearchIndex(writer).defer()
      await insert(writer, 'lost')
      throw new Error('stop')
    })
    await expect(failing).rejects.toThrow('stop')
    await db.transaction((writer) => insert(writer, 'kept'))
    expect(await found(db)).toEqual(['kept'])
  }))

test.each([
  ['somebody else has a trigger', 'CREATE TRIGGER mine AFTER INSERT ON chat_messages BEGIN SELECT 1; END'],
  [
    'the trigger is not the one that is known',
    'DROP TRIGGER message_search_insert; CREATE TRIGGER message_search_insert AFTER INSERT ON chat_messages BEGIN SELECT 1; END',
  ],
  [
    'rowids may come in any order',
    "INSERT INTO chat_sessions (id, title) VALUES ('x', 'x'); INSERT INTO chat_messages (rowid, id, session_id, role, content) VALUES (9223372036854775807, 'x', 'x', 'user', 'x')",
  ],
])('nothing is put off where %s', (_, change) =>
  withTestDatabase((db) =>
    db.transaction(async (writer) => {
      await writer.exec(change)
      const before = await writer.all(SCHEMA)
      const index = new DeferredSearchIndex(writer)
      await index.defer()
      expect(await writer.all(SCHEMA)).toEqual(before)
      await index.catchUp()
    }),
  ),
)

test('the trigger that may be missing for a while is the one of the migration', () => {
  const up = readFileSync(join(packageRoot(), 'migrations', '0002_message_search.up.sql'), 'utf8')
  const [trigger = ''] = /CREATE TRIGGER message_search_insert.*?\nEND/s.exec(up) ?? []
  expect(trigger).toContain('INSERT INTO message_search (rowid, content)')
  return withTestDatabase((db) =>
    db.transaction(async (writer) => {
      const index = new DeferredSearchIndex(writer)
      await index.defer()
      expect(
        await writer.get("SELECT 1 FROM sqlite_schema WHERE name = 'message_search_insert'"),
      ).toBeUndefined()
      await index.catchUp()
      expect(await writer.get("SELECT sql FROM sqlite_schema WHERE name = 'message_search_insert'")).toEqual({
        sql: trigger,
      })
    }),
  )
})
