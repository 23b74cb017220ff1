import type { Connection } from '../connection.ts'
import type { Database } from '../database.ts'
import { agent as agentEntity } from '../entities/agent.ts'
import { message as messageEntity } from '../entities/message.ts'
import { session as sessionEntity } from '../entities/session.ts'
import { type ListOptions, listRecords } from '../list-records.ts'
import type { Agent, ChatMessage, ChatSession } from '../models.ts'
import { getRecord } from '../repository.ts'
import type { ExportedChat } from './export/shape.ts'
import { JSONL_HEADER, LINE_COLUMNS, LINE_TABLES, type LineType, metadataOut, writeLine } from './jsonl.ts'

/** Which chats are exported; all by default. */
export interface ExportSelection extends Pick<ListOptions, 'where' | 'since' | 'until'> {
  /** Only these sessions. */
  sessions?: readonly string[]
}

/**
 * The chats as they are at one moment, one by one, each with its messages to be read in order before the next chat is
 * asked for.
 */
export async function* exportedChats(
  reader: Connection,
  selection: ExportSelection,
): AsyncGenerator<ExportedChat> {
  const db = oneReader(reader)
  const wanted = selection.sessions && new Set(selection.sessions)
  for await (const page of listRecords(db, sessionEntity, { ...selection, sort: 'created_at' })) {
    for (const row of page as unknown as ChatSession[]) {
      if (wanted && !wanted.has(row.id)) continue
      const agent = row.agent_id === null ? null : await agentOf(reader, row.agent_id)
      yield { session: row, agent, messages: messagesOf(db, row.id) }
    }
  }
}

async function agentOf(reader: Connection, id: string): Promise<Agent | null> {
  return (await getRecord(reader, agentEntity, id).catch(() => null)) as Agent | null
}

async function* messagesOf(db: Pick<Database, 'read'>, session: string): AsyncGenerator<ChatMessage> {
  const pages = listRecords(db as Database, messageEntity, { where: { session_id: session } })
  for await (const page of pages) yield* page as unknown as ChatMessage[]
}

/** Everything is read on one connection, in one transaction: others may go on writing meanwhile. */
function oneReader(reader: Connection): Database {
  return { read: <T>(work: (connection: Connection) => Promise<T>) => work(reader) } as Database
}

/** Runs `work` on a reader that sees one state of the database throughout. */
export function atOneMoment<T>(db: Database, work: (reader: Connection) => Promise<T>): Promise<T> {
  return db.read(async (reader) => {
    await reader.run('BEGIN')
    try {
      return await work(reader)
    } finally {
      await reader.run('ROLLBACK')
    }
  })
}

const PAGE = 1000

/** The lossless form, line by line: settings, agents, sessions each with its messages, executions; in a fixed order. */
export async function* jsonLines(
  reader: Connection,
  selection: ExportSelection,
  onSession: () => void = () => {},
): AsyncGenerator<string> {
  const isWhole = !selection.sessions && !selection.where && !selection.since && !selection.until
  yield `${JSON.stringify({ ...JSONL_HEADER, whole: isWhole })}\n`
  if (isWhole) yield* lines(reader, 'setting', 'key')
  const ids = isWhole ? undefined : await selectedIds(reader, selection)
  const agents = ids && (await agentsOf(reader, ids))
  yield* lines(reader, 'agent', 'id', agents)
  for await (const session of rows(reader, 'session', 'id', ids)) {
    onSession()
    yield writeLine('session', session)
    yield* messageLines(reader, String(session.id))
  }
  if (isWhole) yield* lines(reader, 'execution', 'id')
}

async function selectedIds(reader: Connection, selection: ExportSelection): Promise<string[]> {
  const ids: string[] = []
  for await (const { session } of exportedChats(reader, selection)) ids.push(session.id)
  return ids
}

async function agentsOf(reader: Connection, sessions: string[]): Promise<string[]> {
  const found = await reader.all<{ id: string }>(
    'SELECT DISTINCT agent_id AS id FROM chat_sessions WHERE agent_id IS NOT NULL AND id IN (SELECT value FROM json_each(?))',
    [JSON.stringify(sessions)],
  )
  return found.map(({ id }) => id)
}

async function* lines(
  reader: Connection,
  type: LineType,
  key: string,
  ids?: string[],
): AsyncGenerator<string> {
  for await (const row of rows(reader, type, key, ids)) yield writeLine(type, row)
}

async function* rows(
  reader: Connection,
  type: LineType,
  key: string,
  ids?: string[],
): AsyncGenerator<Record<string, unknown>> {
  const columns = LINE_COLUMNS[type].join(', ')
  const among = ids ? `AND ${key} IN (SELECT value FROM json_each(?3))` : ''
  // No key is smaller than the empty text; an OR in the condition would have every page read from the start.
  const sql = (sign: string) =>
    `SELECT ${columns} FROM ${LINE_TABLES[type]} WHERE ${key} ${sign} ?1 ${among} ORDER BY ${key} LIMIT ?2`
  let last = ''
  for (let sign = '>='; ; sign = '>') {
    const page: Record<string, unknown>[] = await reader.all(sql(sign), [
      last,
      PAGE,
      ...(ids ? [JSON.stringify(ids)] : []),
    ])
    yield* page
    if (page.length < PAGE) return
    last = String(page.at(-1)?.[key])
  }
}

/**
 * In the order of time; those of one moment by id, so that the same content gives the same bytes. SQLite writes the text
 * of a message as JSON itself, exactly as JavaScript does and several times as fast.
 */
async function* messageLines(reader: Connection, session: string): AsyncGenerator<string> {
  const columns = LINE_COLUMNS.message.filter((name) => name !== 'metadata')
  const members = columns.map((name) => `'${name}', ${name}`).join(', ')
  const sql = (
    sign: string,
  ) => `SELECT json_object('type', 'message', ${members}) AS line, metadata, created_at, id
    FROM chat_messages WHERE session_id = ?1 AND (created_at, id) ${sign} (?2, ?3) ORDER BY created_at, id LIMIT ?4`
  let last: [string, string] = ['', '']
  for (let sign = '>='; ; sign = '>') {
    const page = await reader.all<MessageLine>(sql(sign), [session, ...last, PAGE])
    if (page.length > 0) yield page.map(withMetadata).join('')
    const end = page.at(-1)
    if (!end || page.length < PAGE) return
    last = [end.created_at, end.id]
  }
}

interface MessageLine {
  line: string
  metadata: string | null
  created_at: string
  id: string
}

const withMetadata = ({ line, metadata }: MessageLine) =>
  `${line.slice(0, -1)},"metadata":${JSON.stringify(metadataOut(metadata))}}\n`
