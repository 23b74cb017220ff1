import type { Database } from '../../database/database.ts'
import type { Connection, Value } from '../../engine/connection.ts'
import { textsOf } from '../../records/check-given.ts'
import { type Agent, agent as agentEntity } from '../../records/entities/agent.ts'
import type { ChatMessage } from '../../records/entities/message.ts'
import { type ChatSession, session as sessionEntity } from '../../records/entities/session.ts'
import { selectColumns } from '../../records/entity.ts'
import { conditionsOf, type ListOptions, listRows } from '../../records/list-records.ts'
import { exportedRecord } from './exported-record.ts'
import { type ReadingOptions, StoredMessages } from './message-blocks.ts'

/** Selects the chats to export; all by default. */
export interface ExportSelection
  extends Pick<ListOptions<typeof sessionEntity>, 'where' | 'since' | 'until'> {
  /** Only these sessions. */
  sessions?: readonly string[]
}

/** A chat to export; its messages are read on request, in the order in which they were said. */
export interface ExportedChat {
  session: ChatSession
  agent: Agent | null
  messages: AsyncIterable<ChatMessage>
}

/** Yields the chats as they are at one moment, one by one; the messages of each are read on request. */
export async function* exportedChats(
  reader: Connection,
  selection: ExportSelection,
  options: ReadingOptions = {},
): AsyncGenerator<ExportedChat> {
  const db = oneReader(reader)
  const wanted = selection.sessions && new Set(selection.sessions)
  // The rows as stored: another program may have stored an id as bytes, which its messages refer to.
  for await (const page of listRows(db, sessionEntity, { ...selection, sort: 'created_at' })) {
    for (const row of page as { id: Value; agent_id: Value }[]) {
      let hasBytes = false
      const session = exportedRecord(sessionEntity, row, () => {
        hasBytes = true
      })
      if (wanted && !wanted.has(session.id)) continue
      if (hasBytes) options.onBytesFound?.()
      const agent = row.agent_id === null ? null : await agentOf(reader, row.agent_id, options)
      yield { session, agent, messages: new StoredMessages(reader, row.id, options) }
    }
  }
}

/**
 * Counts the chats in a selection, to report the progress of an export. Throws INVALID for a field that they
 * do not have.
 */
export async function countChats(reader: Connection, selection: ExportSelection): Promise<number> {
  const { where, parameters } = conditionOf(selection)
  const sql = `SELECT count(*) AS n FROM ${sessionEntity.table} WHERE ${where}`
  return (await reader.get<{ n: number }>(sql, parameters))?.n ?? 0
}

function conditionOf(selection: ExportSelection): { where: string; parameters: Value[] } {
  const conditions = conditionsOf(sessionEntity, selection)
  if (isGiven(selection.sessions)) {
    const sql = `${sessionEntity.key} IN (SELECT value FROM json_each(?))`
    conditions.push({ sql, parameters: [JSON.stringify(textsOf('export: sessions', selection.sessions))] })
  }
  return {
    where: conditions.map(({ sql }) => `(${sql})`).join(' AND ') || 'true',
    parameters: conditions.flatMap(({ parameters }) => parameters),
  }
}

async function agentOf(
  reader: Connection,
  id: Value,
  { onBytesFound }: ReadingOptions,
): Promise<Agent | null> {
  const sql = `SELECT ${selectColumns(agentEntity)} FROM ${agentEntity.table} WHERE ${agentEntity.key} = ?`
  const row = await reader.get(sql, [id])
  return row ? exportedRecord(agentEntity, row, onBytesFound) : null
}

/** Reads everything on one connection, in one transaction: others may continue to write meanwhile. */
function oneReader(reader: Connection): Pick<Database, 'read'> {
  return { read: (work) => work(reader) }
}

/** Runs `work` on a reader that sees one state of the database throughout. */
export function atOneMoment<T>(db: Database, work: (reader: Connection) => Promise<T>): Promise<T> {
  return db.read(async (reader) => {
    await reader.run('BEGIN')
    try {
      return await work(reader)
    } finally {
      // Some failures have ended the transaction already; the original error is the one to report.
      await reader.run('ROLLBACK').catch(() => {})
    }
  })
}

/** Returns true when nothing is left out. */
export function isWholeSelection({ sessions, where, since, until }: ExportSelection): boolean {
  return ![sessions, where, since, until].some(isGiven)
}

const isGiven = (value: unknown) => value !== undefined && value !== null

/** Returns the rows of the selected sessions. */
export async function selectedRows(reader: Connection, selection: ExportSelection): Promise<number[]> {
  const { where, parameters } = conditionOf(selection)
  const found = await reader.all<{ row: number }>(
    `SELECT rowid AS row FROM ${sessionEntity.table} WHERE ${where}`,
    parameters,
  )
  return found.map(({ row }) => row)
}
