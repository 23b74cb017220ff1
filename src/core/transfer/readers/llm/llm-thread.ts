import type { Row } from '../../../engine/connection.ts'
import type { Conversation, ConversationNode } from '../../conversation.ts'
import type { NumberedRow } from '../foreign-table.ts'
import { textOf } from '../parts.ts'
import { readTime, spanOf } from '../times.ts'
import { asName, asText, present } from '../values.ts'
import { linkTurns, replyOf, type Turn } from './llm-turns.ts'

/**
 * Returns the turns of the older tables that are neither stored here too, under the same id, nor history that
 * was sent again.
 */
export function missingTurns(
  older: readonly Turn[],
  turns: readonly NumberedRow[],
  nodes: readonly ConversationNode[],
): ConversationNode[] {
  const hashes = new Set<string | null>(nodes.map(({ id }) => id))
  const stored = turns.filter((turn) => hashes.has(asText(turn.tip_message_hash)))
  const ids = new Set(stored.map((turn) => asText(turn.id)))
  const said = nodes.filter(({ role }) => role === 'assistant')
  const replies = new Set(said.map(({ parts }) => textOf(parts)))
  return linkTurns(older.filter((turn) => !ids.has(turn.id) && !replies.has(replyOf(turn))))
}

/** The parts of a thread that were found. */
interface Found {
  turns: readonly NumberedRow[]
  tip: string | null
  times: readonly (string | null)[]
  /** Messages that exist only in the older tables; they precede the nodes. */
  missing: ConversationNode[]
  nodes: ConversationNode[]
}

/** Converts a thread to a conversation, preceded by what only the older tables have. */
export function threadConversation(
  id: string,
  row: Row,
  { turns, tip, times, missing, nodes }: Found,
): Conversation {
  const before = missing.at(-1)?.id ?? null
  const all = [...missing, ...nodes.map((node) => ({ ...node, parent: node.parent ?? before }))]
  const span = spanOf([...turns.map((turn) => readTime(turn.datetime_utc)), ...times])
  const started = readTime(row.datetime_utc)
  return {
    id,
    title: asName(row.name),
    created_at: span.created_at ?? started,
    updated_at: span.updated_at ?? started,
    model_name: asName(turns[0]?.model) ?? nodes.find(({ model_name }) => model_name)?.model_name ?? null,
    is_archived: false,
    metadata: present({ forked_from: asText(row.forked_from) }),
    nodes: all,
    current: all.find((node) => node.id === tip)?.id ?? all.at(-1)?.id ?? null,
  }
}
