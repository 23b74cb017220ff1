import type { Connection } from '../../../engine/connection.ts'
import { type Conversation, type Imported, type Part, Refused } from '../../conversation.ts'
import { foreignTable, hasColumns, type NumberedRow, RowGroups, rowsOf } from '../foreign-table.ts'
import { storedJson } from '../json.ts'
import { reasoningParts, textParts, toolResult } from '../parts.ts'
import { readRole } from '../roles.ts'
import { readTime, spanOf } from '../times.ts'
import { chain, type LooseNode } from '../tree.ts'
import { asName, asNumber, asText } from '../values.ts'
import { MessageExtras } from './ollama-parts.ts'

const MESSAGE_COLUMNS = [
  ...['id', 'chat_id', 'role', 'content', 'thinking', 'model_name', 'created_at', 'updated_at'],
  ...['thinking_time_start', 'thinking_time_end', 'tool_result'],
]

/** Returns true when a database is that of Ollama's desktop app. */
export async function isOllama(connection: Connection): Promise<boolean> {
  return (
    (await hasColumns(connection, 'chats', ['id', 'title', 'created_at'])) &&
    (await hasColumns(connection, 'messages', ['id', 'chat_id', 'role', 'content', 'model_name', 'stream']))
  )
}

/**
 * Reads the chats of Ollama's desktop app, one at a time. A message's id is its position in the chat, since
 * the app renumbers its rows: importing an edited chat again replaces its messages, while new ids for edited
 * turns would leave the old ones in place.
 */
export async function* readOllama(connection: Connection): AsyncGenerator<Imported> {
  const chats = await foreignTable(connection, 'chats', ['id', 'title', 'created_at'])
  const table = await foreignTable(connection, 'messages', MESSAGE_COLUMNS)
  if (!chats || !table) return
  const messages = await RowGroups.make(connection, table, ['chat_id'], (row) => row.chat_id)
  const extras = await MessageExtras.make(connection)
  for await (const chat of rowsOf(connection, chats)) {
    const id = asText(chat.id)
    if (id === null) {
      yield { kind: 'refused', refused: new Refused(null, 'the chat has no id') }
      continue
    }
    const rows = await messages.of(id)
    rows.sort((one, other) => (asNumber(one.id) ?? 0) - (asNumber(other.id) ?? 0))
    const nodes: LooseNode[] = []
    const pending: string[] = []
    for (const row of rows) {
      const parts = await partsOf(extras, row, pending)
      if (!isPlaceholder(row, parts)) nodes.push(nodeOf(row, parts, nodes.length))
    }
    yield { kind: 'conversation', conversation: conversationOf(id, chat, rows, nodes) }
  }
}

/** Returns true for an answer that was never filled: the app keeps one to remember which model was chosen. */
function isPlaceholder(row: NumberedRow, parts: readonly Part[]): boolean {
  return readRole(row.role).role === 'assistant' && parts.length === 0
}

/**
 * Returns the parts of a message. `pending` contains the names of the tools that were called and have not
 * answered, over the whole chat.
 */
async function partsOf(extras: MessageExtras, row: NumberedRow, pending: string[]): Promise<Part[]> {
  if (readRole(row.role).role === 'tool') return [resultOf(row, pending.shift() ?? null)]
  const calls = await extras.callsOf(row.id)
  if (readRole(row.role).role === 'user') pending.length = 0
  for (const call of calls) if (call.kind === 'tool_call' && call.name !== null) pending.push(call.name)
  for (const call of calls) if (call.kind === 'tool_result') pending.shift()
  return [
    ...reasoningParts(row.thinking),
    ...textParts(row.content),
    ...calls,
    ...(await extras.attachmentsOf(row.id)),
  ]
}

function resultOf(row: NumberedRow, name: string | null): Part {
  const content = asText(row.content)
  const result = storedJson(row.tool_result)
  if (result === null) return toolResult(name, content)
  return toolResult(name, content ? { content, result } : result)
}

function nodeOf(row: NumberedRow, parts: Part[], place: number): LooseNode {
  const { role, metadata } = readRole(row.role)
  const began = readTime(row.thinking_time_start)
  const ended = readTime(row.thinking_time_end)
  const thought = began && ended ? { thinking_ms: Date.parse(ended) - Date.parse(began) } : {}
  return {
    id: String(place),
    role,
    hidden: role === 'tool',
    parts,
    model_name: asName(row.model_name),
    created_at: readTime(row.created_at),
    metadata: { ...metadata, ...thought },
  }
}

function conversationOf(
  id: string,
  chat: NumberedRow,
  rows: readonly NumberedRow[],
  nodes: readonly LooseNode[],
): Conversation {
  const created_at = readTime(chat.created_at)
  const changes = rows.map((row) => readTime(row.updated_at))
  const models = rows.flatMap((row) => asName(row.model_name) ?? [])
  return {
    id,
    title: asName(chat.title),
    created_at,
    updated_at: spanOf(changes).updated_at ?? created_at,
    model_name: models.at(-1) ?? null,
    is_archived: false,
    metadata: {},
    nodes: chain(nodes),
    current: nodes.at(-1)?.id ?? null,
  }
}
