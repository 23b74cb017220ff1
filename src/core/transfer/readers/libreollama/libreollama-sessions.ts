import type { Connection, Row } from '../../../engine/connection.ts'
import { type Conversation, type Imported, Refused } from '../../conversation.ts'
import { foreignTable, rowsOf } from '../foreign-table.ts'
import { storedMetadata } from '../json.ts'
import { chain, type LooseNode } from '../tree.ts'
import { asBoolean, asNonBlank, asText, present } from '../values.ts'
import { type Era, eraId } from './libreollama-era.ts'
import { byNumber, byTime, type MessageSource, messagesOf } from './libreollama-messages.ts'

/** The columns of a chat to read, of all eras. */
export const SESSION_COLUMNS = [
  ...['id', 'title', 'session_name', 'user_id', 'model_name', 'model_id', 'provider', 'agent_id'],
  ...['created_at', 'updated_at', 'is_archived', 'is_active', 'context_length', 'metadata'],
  ...['context_id', 'template_id', 'system_message', 'pinned'],
]

/** The facts that decide how a chat is read. */
export interface ChatSource extends MessageSource {
  /** The IANA name of the zone for times without one. */
  timeZone: string
  /** Assigned ids of the agents, by their ids in the database. */
  agents: ReadonlyMap<string, string>
}

/** The facts about the database whose chats are read. */
export interface SessionSource extends ChatSource {
  connection: Connection
  /** Assigned ids of the chats, by their ids in the database, recorded as they are read. */
  sessions: Map<string, string>
}

/**
 * Yields the chats of a LibreOllama database, one at a time; messages whose chat no longer exists are
 * refused, chat by chat.
 */
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

/** Converts a chat as stored, in a table or in an export, under its assigned id. */
export function conversationOf(
  source: ChatSource,
  row: Row,
  given: string,
  nodes: LooseNode[],
): Conversation {
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

/**
 * Returns how a chat began, as stored, which does not change when it continues; null when it has no messages.
 */
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
