import type { Conversation, ConversationNode, Part } from '../../src/core/transfer/conversation.ts'
import type { RowOptions } from '../../src/core/transfer/import/row-options.ts'
import { type ImportRow, toRows } from '../../src/core/transfer/import/rows.ts'

/** What a conversation becomes, as its parts are seen in the database. */
export interface SeenRows {
  session: Record<string, unknown>
  messages: Record<string, unknown>[]
}

/** The rows of the active path, metadata as JSON values. */
export function rowsOf(conversation: Conversation, options: Partial<RowOptions> = {}): SeenRows {
  const [main] = toRows(conversation, {
    source: 'test',
    branches: 'active',
    include: new Set(),
    ...options,
  })
  return { session: seen(main?.session), messages: main?.messages.map(seen) ?? [] }
}

function seen(row: ImportRow | undefined): Record<string, unknown> {
  const named = Object.fromEntries(row ?? [])
  return { ...named, metadata: JSON.parse(String(named.metadata)) }
}

/** A message; text stands for a part of text. */
export function node(
  role: ConversationNode['role'],
  parts: (Part | string)[],
  more: Partial<ConversationNode> = {},
): ConversationNode {
  return {
    id: '',
    parent: null,
    role,
    hidden: role === 'tool',
    parts: parts.map((part) => (typeof part === 'string' ? { kind: 'text', text: part } : part)),
    model_name: null,
    created_at: null,
    metadata: {},
    ...more,
  }
}

/** Messages one after the other as a conversation; their ids are their places. */
export function conversation(nodes: ConversationNode[], more: Partial<Conversation> = {}): Conversation {
  const placed = nodes.map((one, place) => ({
    ...one,
    id: one.id || String(place),
    parent: place === 0 ? null : nodes[place - 1]?.id || String(place - 1),
  }))
  return {
    id: 'c',
    title: 'a chat',
    created_at: '2025-06-05T20:22:06.000000+00:00',
    updated_at: '2025-06-05T20:23:06.000000+00:00',
    model_name: null,
    is_archived: false,
    metadata: {},
    nodes: placed,
    current: placed.at(-1)?.id ?? null,
    ...more,
  }
}
