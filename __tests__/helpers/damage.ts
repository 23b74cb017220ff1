import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { hintWords } from '../../src/core/advice.ts'
import { type Check, databaseHealthCheck } from '../../src/core/checks/health.ts'
import { type Database, withDatabase } from '../../src/core/database/database.ts'
import { rebuildSearchIndex } from '../../src/core/operations/rebuild-index.ts'
import { inspectElsewhere } from '../../src/helper-programs.ts'
import { withDatabase as openWithWords } from '../../src/index.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'
import { keys, makeDatabase, RAW_KEY } from './database.ts'

/** Messages of the database that is made to be damaged; each says `bread`. */
export const MESSAGES = 400

/** A database with a chat, at rest. */
export async function makeChats(): Promise<string> {
  const path = await makeDatabase()
  await change(
    path,
    `INSERT INTO chat_sessions (id, title) VALUES ('session-1', 'Bread');
     WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${MESSAGES})
     INSERT INTO chat_messages (id, session_id, role, content)
       SELECT 'message-' || n, 'session-1', 'user', 'bread ' || n || ' ' || hex('text number ' || n * 7919) FROM numbers`,
  )
  return path
}

/** Runs SQL as somebody with the key may, on a connection of its own. */
export async function change(path: string, script: string): Promise<void> {
  await withDatabase({ path, keys, access: 'write' }, (db) => db.exclusively((writer) => writer.exec(script)))
}

/** Flips a bit in the first or last page of a table or index. */
export async function damagePage(path: string, name: string, which: 'min' | 'max'): Promise<void> {
  const row = await withDatabase({ path, keys }, (db) =>
    db.read((reader) =>
      reader.get<{ page: number }>(`SELECT ${which}(pageno) AS page FROM dbstat WHERE name = ?`, [name]),
    ),
  )
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  const at = ((row?.page ?? 0) - 1) * 4096 + 1000
  readSync(file, byte, 0, 1, at)
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at)
  closeSync(file)
}

/** Works on a database as the library does. */
export const use = <T>(path: string, work: (db: Database) => Promise<T>) =>
  openWithWords({ path, key: RAW_KEY, access: 'write' }, work)

/** The checks by name. */
export async function checksOf(path: string): Promise<Record<string, Check>> {
  const { checks } = await databaseHealthCheck({ path, keys, migrations: await shippedMigrations() })
  return Object.fromEntries(checks.map((check) => [check.name, { ...check, hint: hintWords(check.hint) }]))
}

export async function rebuild(path: string): Promise<void> {
  await rebuildSearchIndex({ path, keys, migrations: await shippedMigrations(), inspect: inspectElsewhere })
}
