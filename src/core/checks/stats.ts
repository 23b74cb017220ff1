import { lstat } from 'node:fs/promises'
import type { Database } from '../database/database.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { readApplied } from '../schema/ledger.ts'
import { currentVersion } from '../schema/migrations.ts'
import { otherApplication } from '../schema/other-tables.ts'
import { momentSql, truthSql } from '../schema/stored-values.ts'

/** The figures of a database. A count is null when its table is missing. Sizes are in bytes, days in UTC. */
export interface DatabaseStats {
  active_sessions: number | null
  archived_sessions: number | null
  total_messages: number | null
  active_agents: number | null
  total_agents: number | null
  total_executions: number | null
  total_settings: number | null
  schema_version: number
  database_bytes: number
  wal_bytes: number
  /** Free bytes that deleted rows left inside the file. */
  free_bytes: number
  messages_per_model: { model_name: string | null; messages: number }[]
  /** The 30 days up to the newest message, oldest first, without the days that have no messages. */
  messages_per_day: { day: string; messages: number }[]
}

const DAYS = 30

const COUNTS = {
  active_sessions: [
    'chat_sessions',
    `SELECT count(*) FROM chat_sessions WHERE ${truthSql('is_archived')} = 0`,
  ],
  archived_sessions: ['chat_sessions', `SELECT count(*) FROM chat_sessions WHERE ${truthSql('is_archived')}`],
  total_messages: ['chat_messages', 'SELECT count(*) FROM chat_messages'],
  active_agents: ['agents', `SELECT count(*) FROM agents WHERE ${truthSql('is_active')}`],
  total_agents: ['agents', 'SELECT count(*) FROM agents'],
  total_executions: ['agent_executions', 'SELECT count(*) FROM agent_executions'],
  total_settings: ['settings', 'SELECT count(*) FROM settings'],
} as const

/** Returns counts, sizes and activity. Throws PENDING for a database without tables. */
export async function getDatabaseStats(db: Database): Promise<DatabaseStats> {
  return db.read(async (reader) => {
    const version = currentVersion(await readApplied(reader))
    const present = await tablesOf(reader)
    if (version === 0 && !present.has('chat_messages')) {
      const other = await otherApplication(reader)
      if (other) throw other
      throw new AppError('PENDING', 'the database has no tables yet: it is at schema version 0', {
        hint: { step: 'migrate' },
      })
    }
    const counts = Object.entries(COUNTS).map(
      ([name, [table, sql]]) => `${present.has(table) ? `(${sql})` : 'NULL'} AS ${name}`,
    )
    const figures = await reader.get<Record<keyof typeof COUNTS, number | null>>(
      `SELECT ${counts.join(', ')}`,
    )
    if (!figures) throw new Error('counting gave no row')
    const hasMessages = present.has('chat_messages')
    return {
      ...figures,
      schema_version: version,
      ...(await sizes(db, reader)),
      messages_per_model: hasMessages ? await messagesPerModel(reader) : [],
      messages_per_day: hasMessages ? await messagesPerDay(reader) : [],
    }
  })
}

async function tablesOf(reader: Connection): Promise<Set<string>> {
  const tables = await reader.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'")
  return new Set(tables.map(({ name }) => name))
}

async function sizes({ facts }: Database, reader: Connection) {
  const [page] = await reader.all<{ page_size: number; free: number }>(
    'SELECT page_size, freelist_count AS free FROM pragma_page_size, pragma_freelist_count',
  )
  const { size } = await lstat(facts.realPath)
  const free_bytes = (page?.page_size ?? 0) * (page?.free ?? 0)
  return { database_bytes: size, wal_bytes: facts.walBytes ?? 0, free_bytes }
}

function messagesPerModel(reader: Connection) {
  return reader.all<{ model_name: string | null; messages: number }>(
    'SELECT model_name, count(*) AS messages FROM chat_messages GROUP BY model_name ORDER BY messages DESC, model_name',
  )
}

/**
 * Counts messages per day. All timestamps stored as text begin with the UTC date (text that does not begin
 * with a digit is not a timestamp), and the index on them answers without reading a message. It sorts times
 * that another program stored as numbers before all text.
 */
function messagesPerDay(reader: Connection) {
  return reader.all<{ day: string; messages: number }>(
    `SELECT day, sum(messages) AS messages FROM (WITH numbers AS (
       SELECT substr(${momentSql('created_at')}, 1, 10) AS day, count(*) AS messages
       FROM chat_messages WHERE created_at < '' GROUP BY day
     ), first AS (
       SELECT date(max(
         coalesce((SELECT max(created_at) FROM chat_messages WHERE created_at >= '' AND created_at < ':'), ''),
         coalesce((SELECT max(day) FROM numbers), '')
       ), '-${DAYS - 1} days') AS day
     ), texts AS (
       SELECT substr(created_at, 1, 10) AS day, count(*) AS messages FROM chat_messages
       WHERE created_at >= (SELECT day FROM first) AND created_at < ':' AND created_at >= '' GROUP BY 1
     )
     SELECT * FROM texts UNION ALL SELECT * FROM numbers WHERE day >= (SELECT day FROM first)
     ) GROUP BY day ORDER BY day`,
  )
}
