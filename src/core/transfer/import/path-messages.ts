import type { ConversationNode, Part } from '../conversation.ts'
import { withOrigin } from '../ids.ts'
import { toJson } from '../readers/json.ts'
import type { Include, RowOptions } from './row-options.ts'

/** A message that gets a row, and the node that it is made from. */
export interface SaidMessage {
  node: ConversationNode
  role: 'user' | 'assistant' | 'system'
  /** Distinguishes the rows of a node: the role, except for the tool work in a message. */
  slot: SaidMessage['role'] | 'tools'
  content: string
  metadata: Record<string, unknown>
}

/** The messages along a path, and the content that found no message whose metadata could hold it. */
export interface Said {
  messages: SaidMessage[]
  unsaid: object[]
}

/**
 * Returns the messages along a path. Content without a row of its own goes into the metadata of the next
 * message, or else of the previous one.
 */
export function messagesOf(path: ConversationNode[], options: RowOptions): Said {
  const messages: SaidMessage[] = []
  let waiting: object[] = []
  for (const node of path) {
    const { found, rest } = readNode(node, options)
    if (rest && saysAnything(rest)) waiting.push(asMetadata(rest))
    for (const message of found) {
      if (waiting.length > 0) message.metadata.before = waiting
      waiting = []
      messages.push(message)
    }
  }
  const last = messages.at(-1)
  if (!last) return { messages, unsaid: waiting }
  if (waiting.length > 0) last.metadata.after = waiting
  return { messages, unsaid: [] }
}

/** Returns true when a node has any content; content of an unknown kind is in the metadata. */
function saysAnything({ parts, metadata }: ConversationNode): boolean {
  return parts.length > 0 || Object.keys(metadata).length > 0
}

/**
 * Returns the rows of a node, and its content without a row. The text of a message stays one row, so that
 * importing again with other options never adds it twice; the tool work comes before it, or after it when no
 * text follows.
 */
function readNode(
  node: ConversationNode,
  { include, source }: RowOptions,
): { found: SaidMessage[]; rest?: ConversationNode } {
  const metadata = { ...withOrigin(node.metadata, source, node.id), ...partsMetadata(node.parts) }
  const message = messageOf(node, include, metadata)
  const work = node.role === 'tool' || !include.has('tools') ? [] : node.parts.filter(isWork)
  if (work.length === 0) return message ? { found: [message] } : { found: [], rest: node }
  const row = { node, role: 'system', slot: 'tools', content: describeTools(work) } as const
  if (message) {
    const rows = [{ ...row, metadata: withOrigin({}, source, node.id) }, message]
    return { found: endsWithWork(node) ? rows.reverse() : rows }
  }
  const texts = node.parts.filter(({ kind }) => kind === 'text')
  return { found: [{ ...row, metadata }], rest: { ...node, parts: texts, metadata: {} } }
}

const isWork = ({ kind }: Part) => kind === 'tool_call' || kind === 'tool_result'

function endsWithWork({ parts }: ConversationNode): boolean {
  return parts.findLastIndex(isWork) > parts.findLastIndex(({ kind }) => kind === 'text')
}

function messageOf(
  node: ConversationNode,
  include: ReadonlySet<Include>,
  metadata: Record<string, unknown>,
): SaidMessage | undefined {
  if (node.role === 'tool') {
    if (!include.has('tools') || node.parts.length === 0) return undefined
    return { node, role: 'system', slot: 'system', content: describeTools(node.parts), metadata }
  }
  if (node.hidden && !include.has('hidden')) return undefined
  const content = spoken(node.parts, include)
  // An empty text is still a message; a node without any text only records events.
  const isSilent = content === '' && !node.parts.some(({ kind }) => kind === 'attachment' || kind === 'text')
  return isSilent ? undefined : { node, role: node.role, slot: node.role, content, metadata }
}

function spoken(parts: Part[], include: ReadonlySet<Include>): string {
  const said = joinParts(parts, 'text')
  const thought = include.has('reasoning') ? joinParts(parts, 'reasoning') : ''
  return thought ? `<think>\n${thought}\n</think>\n\n${said}` : said
}

/** Joins the parts of one kind into one text. */
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

/** Returns everything in a message except its text. */
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
