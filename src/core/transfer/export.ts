import type { Connection } from '../connection.ts'
import type { Database } from '../database.ts'
import { agent as agentEntity } from '../entities/agent.ts'
import { session as sessionEntity } from '../entities/session.ts'
import { conditionsOf, type ListOptions, listRecords } from '../list-records.ts'
import type { Agent, ChatSession } from '../models.ts'
import { getRecord } from '../repository.ts'
import { ahead } from './ahead.ts'
import type { ExportedChat } from './export/shape.ts'
import { JSONL_HEADER, LINE_COLUMNS, LINE_TABLES, type LineType, writeLine } from './jsonl.ts'
import { Block, messageSizes, messagesOf, readLines } from './message-blocks.ts'

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
      yield { session: row, agent, messages: messagesOf(reader, row.id) }
    }
  }
}

/** How many chats there are in a selection, to tell how far an export is; where it names sessions and more, at most. */
export async function countChats(reader: Connection, selection: ExportSelection): Promise<number> {
  if (selection.sessions) return selection.sessions.length
  const conditions = conditionsOf(sessionEntity, selection)
  const where = conditions.map(({ sql }) => `(${sql})`).join(' AND ') || 'true'
  const found = await reader.get<{ n: number }>(
    `SELECT count(*) AS n FROM ${sessionEntity.table} WHERE ${where}`,
    conditions.flatMap(({ parameters }) => parameters),
  )
  return found?.n ?? 0
}

async function agentOf(reader: Connection, id: string): Promise<Agent | null> {
  return (await getRecord(reader, agentEntity, id).catch(() => null)) as Agent | null
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

/** Rows that are read at once: of sessions few, because the sizes of all their messages come with them. */
const PAGE = 1000
const SESSIONS = 50

/** The lossless form as text and bytes: settings, agents, sessions each with its messages, executions; in a fixed order. */
export async function* jsonLines(
  reader: Connection,
  selection: ExportSelection,
  onSession: () => void = () => {},
): AsyncGenerator<string | Uint8Array> {
  const isWhole = !selection.sessions && !selection.where && !selection.since && !selection.until
  yield `${JSON.stringify({ ...JSONL_HEADER, whole: isWhole })}\n`
  if (isWhole) yield* lines(reader, 'setting', 'key')
  const ids = isWhole ? undefined : await selectedIds(reader, selection)
  const agents = ids && (await agentsOf(reader, ids))
  yield* lines(reader, 'agent', 'id', agents)
  yield* ahead(sessionLines(reader, ids, onSession))
  if (isWhole) yield* lines(reader, 'execution', 'id')
}

/** Each session with its messages in the order of time, those of one moment by id: the same content, the same bytes. */
async function* sessionLines(
  reader: Connection,
  ids: string[] | undefined,
  onSession: () => void,
): AsyncGenerator<Uint8Array> {
  let block = new Block<string | number>()
  for await (const sessions of pages(reader, 'session', 'id', SESSIONS, ids)) {
    const messages = await messageSizes(
      reader,
      sessions.map(({ id }) => String(id)),
    )
    for (const session of sessions) {
      onSession()
      const line = writeLine('session', session)
      block.add(line, line.length)
      for (const { row, bytes } of messages.get(String(session.id)) ?? []) {
        block.add(row, bytes)
        if (!block.isFull) continue
        yield readLines(reader, block.items)
        block = new Block()
      }
    }
  }
  yield readLines(reader, block.items)
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
  for await (const rows of pages(reader, type, key, PAGE, ids))
    yield rows.map((row) => writeLine(type, row)).join('')
}

async function* pages(
  reader: Connection,
  type: LineType,
  key: string,
  size: number,
  ids?: string[],
): AsyncGenerator<Record<string, unknown>[]> {
  const columns = LINE_COLUMNS[type].join(', ')
  const among = ids ? `AND ${key} IN (SELECT value FROM json_each(?3))` : ''
  // No key is smaller than the empty text; an OR in the condition would have every page read from the start.
  const sql = (sign: string) =>
    `SELECT ${columns} FROM ${LINE_TABLES[type]} WHERE ${key} ${sign} ?1 ${among} ORDER BY ${key} LIMIT ?2`
  let last = ''
  for (let sign = '>='; ; sign = '>') {
    const page: Record<string, unknown>[] = await reader.all(sql(sign), [
      last,
      size,
      ...(ids ? [JSON.stringify(ids)] : []),
    ])
    yield page
    if (page.length < size) return
    last = String(page.at(-1)?.[key])
  }
}
