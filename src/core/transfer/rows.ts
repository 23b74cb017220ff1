import type { Value } from '../connection.ts'
import { AppError } from '../errors.ts'
import { formatTimestamp } from '../timestamp.ts'
import type { Conversation, ConversationNode, Part } from './conversation.ts'
import { importedId } from './ids.ts'

/** How conversations become rows. */
export interface RowOptions {
  /** The name of the format, part of every id. */
  source: string
  /** The active path only, or every other path as a session of its own. */
  branches: 'active' | 'all'
  /** What else than text becomes part of what was said; all of it is kept in metadata in any case. */
  include: ReadonlySet<Include>
  /** For conversations without any time. */
  now: Date
}

/** Reasoning before the answer, tool traffic and hidden messages as messages of the system. */
export type Include = 'reasoning' | 'tools' | 'hidden'

/** A row by column name, in the order of the columns. */
export type ImportRow = Map<string, Value>

/** A session with its messages, in their order. */
export interface SessionRows {
  session: ImportRow
  messages: ImportRow[]
}

/** The rows of a conversation: one session for the active path, and one for each further branch that is wanted. */
export function toRows(conversation: Conversation, options: RowOptions): SessionRows[] {
  const nodes = new Map(conversation.nodes.map((node) => [node.id, node]))
  const active = pathTo(conversation.current, nodes)
  const main = rowsOfPath(conversation, active, options, undefined)
  if (options.branches === 'active') return [main]
  const parents = new Set(conversation.nodes.map(({ parent }) => parent))
  const leaves = conversation.nodes.filter(({ id }) => !parents.has(id) && id !== conversation.current)
  const others = leaves.map((leaf, index) =>
    rowsOfPath(conversation, pathTo(leaf.id, nodes), options, { leaf: leaf.id, number: index + 2 }),
  )
  return [main, ...others]
}

function pathTo(leaf: string | null, nodes: Map<string, ConversationNode>): ConversationNode[] {
  const path: ConversationNode[] = []
  for (let node = nodes.get(leaf ?? ''); node; node = nodes.get(node.parent ?? '')) {
    if (path.length > nodes.size) break
    path.unshift(node)
  }
  return path
}

interface Branch {
  leaf: string
  number: number
}

function rowsOfPath(
  conversation: Conversation,
  path: ConversationNode[],
  options: RowOptions,
  branch: Branch | undefined,
): SessionRows {
  const { source } = options
  const suffix = branch ? ['branch', branch.leaf] : []
  const id = importedId(source, conversation.id, ...suffix)
  const clock = new Clock(conversation.created_at ?? formatTimestamp(options.now))
  const messages = messagesOf(path, options).map(({ node, role, content, metadata }): ImportRow => {
    const at = clock.next(node.created_at)
    const moved =
      node.created_at !== null && at !== node.created_at ? { source_created_at: node.created_at } : {}
    return new Map<string, Value>([
      ['id', importedId(source, conversation.id, ...suffix, 'message', node.id, role)],
      ['session_id', id],
      ['role', role],
      ['content', content.toWellFormed()],
      ['model_name', node.model_name?.toWellFormed() ?? null],
      ['created_at', at],
      ['metadata', toJson({ ...metadata, ...moved })],
    ])
  })
  const last = String(messages.at(-1)?.get('created_at') ?? clock.now)
  const metadata = {
    ...conversation.metadata,
    source,
    source_id: conversation.id,
    ...(branch ? { branch_of: importedId(source, conversation.id), branch_leaf: branch.leaf } : {}),
  }
  const session: ImportRow = new Map<string, Value>([
    ['id', id],
    ['title', `${titleOf(conversation, path)}${branch ? ` (branch ${branch.number})` : ''}`],
    ['model_name', conversation.model_name?.toWellFormed() ?? null],
    ['agent_id', conversation.agent_id ? importedId(source, 'agent', conversation.agent_id) : null],
    ['created_at', conversation.created_at ?? String(messages[0]?.get('created_at') ?? clock.now)],
    ['updated_at', conversation.updated_at ?? last],
    ['is_archived', conversation.is_archived],
    ['metadata', toJson(metadata)],
  ])
  return { session, messages }
}

/** Messages are ordered by time alone, so along a path no time may be the same as, or before, the one before it. */
class Clock {
  now: string
  #started = false

  constructor(start: string) {
    this.now = start
  }

  next(own: string | null): string {
    if (own !== null && (own > this.now || !this.#started)) this.now = own
    else if (this.#started) this.now = oneMicrosecondAfter(this.now)
    this.#started = true
    return this.now
  }
}

/** For the fixed-width form of `formatTimestamp`. */
function oneMicrosecondAfter(timestamp: string): string {
  const micros = Number(timestamp.slice(20, 26)) + 1
  if (micros < 1_000_000) return `${timestamp.slice(0, 20)}${String(micros).padStart(6, '0')}+00:00`
  const second = new Date(`${timestamp.slice(0, 19)}Z`)
  return formatTimestamp(new Date(second.getTime() + 1000))
}

interface Message {
  node: ConversationNode
  role: 'user' | 'assistant' | 'system'
  content: string
  metadata: Record<string, unknown>
}

/** What was said along a path. What has no row of its own goes into the metadata of the message after it, else before. */
function messagesOf(path: ConversationNode[], { include, source }: RowOptions): Message[] {
  const messages: Message[] = []
  let waiting: object[] = []
  for (const node of path) {
    const message = messageOf(node, include, source)
    if (!message) {
      if (node.parts.length > 0) waiting.push(asMetadata(node))
      continue
    }
    if (waiting.length > 0) message.metadata.before = waiting
    waiting = []
    messages.push(message)
  }
  const last = messages.at(-1)
  if (last && waiting.length > 0) last.metadata.after = waiting
  return messages
}

function messageOf(
  node: ConversationNode,
  include: ReadonlySet<Include>,
  source: string,
): Message | undefined {
  const metadata = { ...node.metadata, source, source_id: node.id, ...partsMetadata(node.parts) }
  if (node.role === 'tool') {
    if (!include.has('tools')) return undefined
    return { node, role: 'system', content: describeTools(node.parts), metadata }
  }
  if (node.hidden && !include.has('hidden')) return undefined
  const said = textOf(node.parts, 'text')
  const thought = include.has('reasoning') ? textOf(node.parts, 'reasoning') : ''
  const content = thought ? `<think>\n${thought}\n</think>\n\n${said}` : said
  // An empty text was said all the same; what has none at all is only what happened besides.
  const isSilent = content === '' && !node.parts.some(({ kind }) => kind === 'attachment' || kind === 'text')
  return isSilent ? undefined : { node, role: node.role, content, metadata }
}

function textOf(parts: Part[], kind: 'text' | 'reasoning'): string {
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

const asText = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

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

const LONGEST_TITLE = 80

function titleOf({ title }: Conversation, path: ConversationNode[]): string {
  const named = clean(title ?? '')
  if (named !== '') return named
  const asked = path.find(
    ({ role, hidden, parts }) => role === 'user' && !hidden && textOf(parts, 'text') !== '',
  )
  const [line = ''] = clean(asked ? textOf(asked.parts, 'text') : '').split('\n')
  const short = line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE - 1)}…` : line
  return clean(short) || '(untitled)'
}

const clean = (text: string) => text.trim().toWellFormed()

/** JSON text that the database can hold: halves of surrogate pairs are replaced. Throws INVALID for endless nesting. */
export function toJson(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? 'null').toWellFormed()
  } catch (error) {
    throw new AppError('INVALID', 'something in it is nested too deep to be kept', {
      hint: 'look at this conversation in the export file',
      cause: error,
    })
  }
}
