import type { Connection, Row } from '../connection.ts'
import { type Conversation, type Imported, Refused } from './conversation.ts'
import { foreignTable, type NumberedRow, ROW, RowGroups, rowsOf } from './foreign-table.ts'
import { storedMetadata } from './json.ts'
import { type Era, type EraClock, eraId } from './libreollama-era.ts'
import { readRole } from './roles.ts'
import { chain, type LooseNode } from './tree.ts'
import { asBoolean, asNonBlank, asNumber, asText, compareTexts, present } from './values.ts'

const SESSION_COLUMNS = [
  ...['id', 'title', 'session_name', 'user_id', 'model_name', 'model_id', 'provider', 'agent_id'],
  ...['created_at', 'updated_at', 'is_archived', 'is_active', 'context_length', 'metadata'],
  ...['context_id', 'template_id', 'system_message', 'pinned'],
]
const MESSAGE_COLUMNS = [
  ...['id', 'session_id', 'role', 'content', 'model_name', 'created_at', 'metadata'],
  ...['response_time_ms', 'token_count', 'cached'],
]

/** What is known of the database whose chats are read. */
export interface SessionSource {
  connection: Connection
  era: Era
  clock: EraClock
  timeZone: string
  /** Ids of the agents as they were given, by their ids in the database. */
  agents: ReadonlyMap<string, string>
  /** The same for the chats, noted as they are read. */
  sessions: Map<string, string>
}

/** The chats of a LibreOllama database, one at a time; messages whose chat is gone are refused, chat by chat. */
export async function* readSessions(source: SessionSource): AsyncGenerator<Imported> {
  const { connection } = source
  const sessions = await foreignTable(connection, 'chat_sessions', SESSION_COLUMNS)
  if (!sessions) return
  const messages = await messagesOf(connection, 'chat_messages')
  // A second table of D and E; no version of the app is known to use it.
  const others = source.era > 'C' ? await messagesOf(connection, 'messages') : undefined
  for await (const row of rowsOf(connection, sessions)) {
    const id = asText(row.id)
    if (id === null) {
      yield { kind: 'refused', refused: new Refused(null, 'the chat has no id') }
      continue
    }
    const nodes = source.era === 'A' ? await byTime(source, messages, id) : []
    if (source.era !== 'A') nodes.push(...(await byNumber(source, messages, others, id)))
    const made = asText(row.created_at)
    const first = made === null ? ((await messages.of(id))[0] ?? (await others?.of(id))?.[0]) : undefined
    const given = eraId(source.era, id, made, beginningOf(first))
    source.sessions.set(id, given)
    yield { kind: 'conversation', conversation: conversationOf(source, row, given, nodes) }
  }
  const orphans = new Set(
    [...messages.keys(), ...(others?.keys() ?? [])].filter((id) => !source.sessions.has(id)),
  )
  for (const id of orphans) {
    yield { kind: 'refused', refused: new Refused(id, 'there are messages of this chat, but not the chat') }
  }
}

async function messagesOf(connection: Connection, name: string): Promise<RowGroups> {
  const table = await foreignTable(connection, name, MESSAGE_COLUMNS)
  return RowGroups.make(connection, table, ['session_id'], (row) => row.session_id)
}

/** Era A's ids are random, so its times give the order; rows without a time stay behind the one they were stored after. */
async function byTime({ era, clock }: SessionSource, messages: RowGroups, id: string): Promise<LooseNode[]> {
  let last = ''
  const timed = (await messages.of(id)).map((row) => {
    const node = nodeOf(row, era, clock)
    last = node.created_at ?? last
    return { node, at: last }
  })
  return timed.sort((one, other) => compareTexts(one.at, other.at)).map(({ node }) => node)
}

/** Later eras number their messages as they are said; their two tables are merged by time. */
async function byNumber(
  { era, clock }: SessionSource,
  messages: RowGroups,
  others: RowGroups | undefined,
  id: string,
): Promise<LooseNode[]> {
  const first = (await messages.of(id)).map((row) => nodeOf(row, era, clock))
  const second = ((await others?.of(id)) ?? []).map((row) => nodeOf(row, era, clock, 'messages/'))
  const merged: LooseNode[] = []
  for (const node of first) {
    while (second[0]?.created_at && node.created_at && second[0].created_at < node.created_at) {
      merged.push(...second.splice(0, 1))
    }
    merged.push(node)
  }
  return [...merged, ...second]
}

function nodeOf(row: NumberedRow, era: Era, clock: EraClock, prefix = ''): LooseNode {
  const { role, metadata } = readRole(row.role)
  const tokens = asNumber(row.token_count) ?? 0
  return {
    id: prefix + (asText(row.id) ?? `row ${row[ROW]}`),
    role,
    hidden: role === 'tool',
    // An empty message is one too: what is stored stays.
    parts: [{ kind: 'text', text: asText(row.content) ?? '' }],
    model_name: asNonBlank(row.model_name),
    created_at: clock.read(row.created_at),
    metadata: {
      ...storedMetadata(row.metadata),
      ...metadata,
      ...(row.token_count != null && (era === 'A' || tokens > 0) ? { token_count: tokens } : {}),
      ...present({
        response_time_ms: asNumber(row.response_time_ms),
        cached: asBoolean(row.cached) || null,
      }),
    },
  }
}

function conversationOf(source: SessionSource, row: Row, given: string, nodes: LooseNode[]): Conversation {
  const { era, clock, agents } = source
  const created_at = clock.read(row.created_at)
  const updated_at = clock.read(row.updated_at)
  const zone = clock.assumed() ? { source_timezone: source.timeZone } : {}
  return {
    id: given,
    title: asNonBlank(row.session_name) ?? asNonBlank(row.title),
    created_at,
    updated_at,
    model_name: asNonBlank(row.model_name) ?? asNonBlank(row.model_id),
    agent_id: agents.get(asText(row.agent_id) ?? '') ?? null,
    is_archived: era === 'A' ? asBoolean(row.is_archived) : !asBoolean(row.is_active, true),
    metadata: { ...(era === 'A' ? extrasOfA(row) : extrasOfLater(row, era)), ...zone },
    nodes: chain(nodes),
    current: nodes.at(-1)?.id ?? null,
  }
}

/** How a chat began, as stored, which stays when it goes on; null where nothing was said. */
export function beginningOf(first: Row | undefined): string | null {
  return first ? `${asText(first.created_at)} ${asText(first.content)}` : null
}

function extrasOfA(row: Row): Record<string, unknown> {
  const { context_id, template_id, system_message } = row
  const pinned = asBoolean(row.pinned) || null
  return { ...storedMetadata(row.metadata), ...present({ pinned, system_message, template_id, context_id }) }
}

function extrasOfLater(row: Row, era: Era): Record<string, unknown> {
  const { id, user_id, context_length, provider } = row
  return { source_era: era, source_id: id, ...present({ user_id, context_length, provider }) }
}
