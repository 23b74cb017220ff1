import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inTransaction, withDatabase } from '../../src/core/database/database.ts'
import type { Connection } from '../../src/core/engine/connection.ts'
import { keys, makeDatabase, RAW_KEY } from './database.ts'
import { keyFile, temporaryFolder } from './folder.ts'

/** Sets the title and the clipboard, clears the screen, colours, reverses text, fakes a line. */
export const EVIL =
  'zebra\x1b]0;T\x07\x1b]52;c;Wg==\x07\x1b[2J\x1b[38;5;123m\x9b2J\x9d0;T\x9c\x7f\u202e\u2066\u200f\u061c\u2028\r\nerror: fake\ttab\x1bc'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const STEERING = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of the program itself
const COLOR = /\x1b\[\d{1,2}m/g

/** The lines that could control a terminal. The program's own colours and progress bar are left out. */
export function steeringLines({ stdout, stderr }: { stdout: string; stderr: string }): string[] {
  const shown = `${stdout}\n${stderr.replaceAll('\r\x1b[K', '')}`.replaceAll(COLOR, '')
  return shown.split('\n').filter((line) => STEERING.test(line))
}

/** The lines that data has faked. */
export const fakedLines = (shown: string) =>
  shown.split('\n').filter((line) => line.startsWith('error: fake'))

/** A database in a folder of its own, and the words that open it. */
export interface HostilePlace {
  folder: string
  db: string
  words: string[]
}

/** A copy of a database in a folder and under a name that are hostile. */
export function hostilePlace(from: string, key = RAW_KEY): HostilePlace {
  const folder = join(temporaryFolder(), EVIL)
  mkdirSync(folder)
  const db = join(folder, `${EVIL}.db`)
  copyFileSync(from, db)
  return { folder, db, words: ['--db', db, '--key-file', keyFile(key, folder)] }
}

const TIME = `2025-06-05T20:22:06Z${EVIL}`
const metadata = JSON.stringify({ [EVIL]: [EVIL] })
const RUNNING = { id: `running ${EVIL}`, agent_id: EVIL, input: EVIL, status: 'running' }
const RECORDS: [table: string, record: Record<string, string>][] = [
  ['agents', { id: EVIL, name: EVIL, description: EVIL, model_name: EVIL, system_prompt: EVIL, metadata }],
  ['chat_sessions', { id: EVIL, title: EVIL, model_name: EVIL, agent_id: EVIL, metadata }],
  ['chat_messages', { id: EVIL, session_id: EVIL, role: 'user', content: EVIL, model_name: EVIL, metadata }],
  ['chat_messages', { id: `zz answer ${EVIL}`, session_id: EVIL, role: 'assistant', content: EVIL }],
  ['settings', { key: EVIL, value: EVIL, description: EVIL }],
  [
    'agent_executions',
    {
      ...RUNNING,
      id: EVIL,
      session_id: EVIL,
      output: EVIL,
      error_message: EVIL,
      completed_at: TIME,
      metadata,
    },
  ],
  ['agent_executions', RUNNING],
]

/** A table, index, view, trigger and column that no migration made. */
const SCHEMA = `
  CREATE TABLE "${EVIL}" ("${EVIL}" TEXT REFERENCES chat_sessions (id) ON DELETE CASCADE);
  CREATE INDEX "i${EVIL}" ON "${EVIL}" ("${EVIL}");
  CREATE VIEW "v${EVIL}" AS SELECT "${EVIL}" FROM "${EVIL}";
  CREATE TRIGGER "t${EVIL}" AFTER UPDATE ON "${EVIL}" BEGIN SELECT '${EVIL}'; END;
  ALTER TABLE settings ADD COLUMN "${EVIL}" TEXT DEFAULT '${EVIL}';
  INSERT INTO "${EVIL}" VALUES ('${EVIL}');`

/**
 * A database in which every text is hostile; when `unchecked`, also roles and states, which a constraint
 * limits.
 */
export async function hostileDatabase(unchecked: boolean): Promise<string> {
  const path = await makeDatabase()
  const fill = async (writer: Connection) => {
    for (const [table, record] of RECORDS) await insert(writer, table, record)
    await writer.exec(SCHEMA)
    await writer.run('UPDATE schema_version SET applied_at = ?', [TIME])
    if (!unchecked) return
    await writer.run('UPDATE chat_messages SET role = ? WHERE id = ?', [EVIL, EVIL])
    await writer.run('UPDATE agent_executions SET status = ? WHERE id = ?', [EVIL, EVIL])
  }
  await withDatabase({ path, keys, access: 'write' }, (db) =>
    db.exclusively(async (writer) => {
      if (unchecked) await writer.exec('PRAGMA ignore_check_constraints = ON')
      await inTransaction(writer, () => fill(writer))
    }),
  )
  return path
}

async function insert(writer: Connection, table: string, record: Record<string, string>): Promise<void> {
  const columns = await writer.all<{ name: string }>('SELECT name FROM pragma_table_info(?)', [table])
  const times = columns.map(({ name }) => name).filter((name) => /^(created|updated|started)_at$/.test(name))
  const all = { ...Object.fromEntries(times.map((name) => [name, TIME])), ...record }
  const marks = Object.keys(all).map(() => '?')
  await writer.run(
    `INSERT INTO ${table} (${Object.keys(all).join(', ')}) VALUES (${marks.join(', ')})`,
    Object.values(all),
  )
}

/** A file of chats with a hostile name and hostile values, some of which are refused. */
export function hostileChats({ folder }: HostilePlace): string {
  const session = {
    id: EVIL,
    title: EVIL,
    model_name: null,
    agent_id: null,
    created_at: EVIL,
    updated_at: EVIL,
  }
  const lines = [
    { libreollama_db_export: 1 },
    { type: 'session', ...session, is_archived: 0, metadata: null },
    { type: 'message', id: 'm', session_id: EVIL, role: EVIL, content: 'c', created_at: 'x', metadata: null },
    { type: EVIL },
  ]
  const path = join(folder, `${EVIL}.jsonl`)
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return path
}
