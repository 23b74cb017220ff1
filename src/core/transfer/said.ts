import type { ConversationNode, Part } from './conversation.ts'
import { toJson } from './json.ts'
import type { Include, RowOptions } from './rows.ts'

/** A message that gets a row, and the node that it is made from. */
export interface SaidMessage {
  node: ConversationNode
  role: 'user' | 'assistant' | 'system'
  content: string
  metadata: Record<string, unknown>
}

/** What was said along a path, and what of it found no message in whose metadata it could be kept. */
export interface Said {
  messages: SaidMessage[]
  unsaid: object[]
}

/** What was said along a path. What has no row of its own goes into the metadata of the message after it, else before. */
export function messagesOf(path: ConversationNode[], options: RowOptions): Said {
  const messages: SaidMessage[] = []
  let waiting: object[] = []
  for (const node of path) {
    const message = messageOf(node, options)
    if (!message) {
      if (saysAnything(node)) waiting.push(asMetadata(node))
      continue
    }
    if (waiting.length > 0) message.metadata.before = waiting
    waiting = []
    messages.push(message)
  }
  const last = messages.at(-1)
  if (!last) return { messages, unsaid: waiting }
  if (waiting.length > 0) last.metadata.after = waiting
  return { messages, unsaid: [] }
}

/** Content of a kind that nobody knows is in the metadata. */
function saysAnything({ parts, metadata }: ConversationNode): boolean {
  return parts.length > 0 || Object.keys(metadata).length > 0
}

function messageOf(node: ConversationNode, { include, source }: RowOptions): SaidMessage | undefined {
  const metadata = { ...node.metadata, source, source_id: node.id, ...partsMetadata(node.parts) }
  if (node.role === 'tool') {
    if (!include.has('tools') || node.parts.length === 0) return undefined
    return { node, role: 'system', content: describeTools(node.parts), metadata }
  }
  if (node.hidden && !include.has('hidden')) return undefined
  const content = spoken(node.parts, include)
  // An empty text was said all the same; what has none at all is only what happened besides.
  const isSilent = content === '' && !node.parts.some(({ kind }) => kind === 'attachment' || kind === 'text')
  return isSilent ? undefined : { node, role: node.role, content, metadata }
}

function spoken(parts: Part[], include: ReadonlySet<Include>): string {
  const said = joinParts(parts, 'text')
  const thought = include.has('reasoning') ? joinParts(parts, 'reasoning') : ''
  return thought ? `<think>\n${thought}\n</think>\n\n${said}` : said
}

/** The pieces of one kind as one text. */
export function joinParts(parts: Part[], kind: 'text' | 'reasoning'): string {
  return parts.flatMap((part) => (part.kind === kind ? [part.text] : [])).join('\n\n')
}

function describeTools(parts: Part[]): string {
  return parts
    .map((part) => {
      if (part.kind === 'tool_call') return `${part.name ?? 'tool'} was called with ${asText(part.input)}`
      if (part.kind === 'tool_result') return `${part.name ?? 'tool'} answered ${asText(part.output)}`
      return part.kind === 'text' || part.kind === 'reasoning' ? part.text : (part.name ?? 'attachment')
    })
    .join('\n\n')
}

const asText = (value: unknown) => (typeof value === 'string' ? value : toJson(value))

/** Everything of a message but its text. */
function partsMetadata(parts: Part[]): Record<string, unknown> {
  const of = (kind: Part['kind']) =>
    parts.filter((part) => part.kind === kind).map(({ kind: _, ...rest }) => rest)
  const named = {
    reasoning: of('reasoning'),
    tool_calls: of('tool_call'),
    tool_results: of('tool_result'),
    attachments: of('attachment'),
  }
  return Object.fromEntries(Object.entries(named).filter(([, list]) => list.length > 0))
}

function asMetadata({ id, role, hidden, parts, created_at, metadata }: ConversationNode): object {
  return { id, role, hidden, created_at, parts, ...(Object.keys(metadata).length ? { metadata } : {}) }
}
