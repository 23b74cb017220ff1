import type { Value } from '../../engine/connection.ts'
import type { Conversation, ConversationNode } from '../conversation.ts'
import { importedId, messageId, withOrigin } from '../ids.ts'
import { toJson } from '../readers/json.ts'
import { Clock, UNKNOWN_TIME } from './clock.ts'
import { joinParts, messagesOf } from './path-messages.ts'
import type { RowOptions } from './row-options.ts'

/** A row by column name, in the order of the columns. */
export type ImportRow = Map<string, Value>

/** A session with its messages, in order. */
export interface SessionRows {
  session: ImportRow
  messages: ImportRow[]
  /** Texts in which halves of surrogate pairs, which UTF-8 cannot represent, became U+FFFD. */
  converted?: number
}

/**
 * Returns the rows of a conversation: one session for the active path, and one for each further branch to
 * import. A conversation without any known time begins in 1970, with `times_unknown` in its metadata, so that
 * every import gives the same rows.
 */
export function toRows(conversation: Conversation, options: RowOptions): SessionRows[] {
  const nodes = new Map(conversation.nodes.map((node) => [node.id, node]))
  const active = pathTo(conversation.current, nodes)
  const main = rowsOfPath(conversation, active, options, undefined)
  if (options.branches === 'active') return [main]
  const others = branchesOf(conversation, nodes, new Set(active.map(({ id }) => id)))
  return [
    main,
    ...others.map((branch) => rowsOfPath(conversation, pathTo(branch.leaf, nodes), options, branch)),
  ]
}

/**
 * Returns the paths besides the active one, each to its leaf. A branch keeps its identity when it grows: its
 * start identifies it.
 */
function branchesOf(
  { nodes: all, current }: Conversation,
  nodes: Map<string, ConversationNode>,
  active: ReadonlySet<string>,
): Branch[] {
  const eldest = new Map<string | null, string>()
  for (const { id, parent } of all) if (!eldest.has(parent)) eldest.set(parent, id)
  const startOf = (leaf: ConversationNode): string => {
    let node = leaf
    for (let steps = 0; steps < all.length; steps++) {
      const parent = nodes.get(node.parent ?? '')
      if (!parent || active.has(parent.id) || eldest.get(parent.id) !== node.id) break
      node = parent
    }
    return node.id
  }
  const leaves = all.filter(({ id }) => !eldest.has(id) && id !== current)
  return leaves.map((leaf, index) => ({ leaf: leaf.id, start: startOf(leaf), number: index + 2 }))
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
  /** The first node that only this branch has. */
  start: string
  number: number
}

function rowsOfPath(
  conversation: Conversation,
  path: ConversationNode[],
  options: RowOptions,
  branch: Branch | undefined,
): SessionRows {
  const { source } = options
  const suffix = branch ? ['branch', branch.start] : []
  const id = importedId(source, conversation.id, ...suffix)
  const start = startOf(conversation, path)
  const clock = new Clock(start ?? UNKNOWN_TIME)
  let converted = 0
  const whole = (text: string) => {
    if (text.isWellFormed()) return text
    converted++
    return text.toWellFormed()
  }
  const { messages: said, unsaid } = messagesOf(path, options)
  const messages = said.map(({ node, role, slot, content, metadata }): ImportRow => {
    const at = clock.next(node.created_at)
    const moved =
      node.created_at !== null && at !== node.created_at ? { source_created_at: node.created_at } : {}
    return new Map<string, Value>([
      ['id', messageId(source, [conversation.id, ...suffix], node.id, slot)],
      ['session_id', id],
      ['role', role],
      ['content', whole(content)],
      ['model_name', node.model_name === null ? null : whole(node.model_name)],
      ['created_at', at],
      ['metadata', toJson({ ...metadata, ...moved })],
    ])
  })
  const last = String(messages.at(-1)?.get('created_at') ?? clock.now)
  const metadata = {
    ...withOrigin(conversation.metadata, source, conversation.id),
    ...(start === null ? { times_unknown: true } : {}),
    ...(unsaid.length > 0 ? { messages: unsaid } : {}),
    ...(branch ? { branch_of: importedId(source, conversation.id), branch_leaf: branch.leaf } : {}),
  }
  const session: ImportRow = new Map<string, Value>([
    ['id', id],
    ['title', `${whole(titleOf(conversation, path))}${branch ? ` (branch ${branch.number})` : ''}`],
    ['model_name', conversation.model_name === null ? null : whole(conversation.model_name)],
    ['agent_id', conversation.agent_id ? importedId(source, 'agent', conversation.agent_id) : null],
    ['created_at', conversation.created_at ?? String(messages[0]?.get('created_at') ?? clock.now)],
    ['updated_at', conversation.updated_at ?? last],
    ['is_archived', conversation.is_archived],
    ['metadata', toJson(metadata)],
  ])
  return { session, messages, converted }
}

/** Returns the time when a chat began, or its first known time; null when there is none. */
function startOf({ created_at, updated_at }: Conversation, path: ConversationNode[]): string | null {
  return created_at ?? path.find((node) => node.created_at !== null)?.created_at ?? updated_at
}

const LONGEST_TITLE = 80

function titleOf({ title }: Conversation, path: ConversationNode[]): string {
  const named = (title ?? '').trim()
  if (named !== '') return named
  const asked = path.find(
    ({ role, hidden, parts }) => role === 'user' && !hidden && joinParts(parts, 'text') !== '',
  )
  const [line = ''] = clean(asked ? joinParts(asked.parts, 'text') : '').split('\n')
  const short = line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE - 1)}…` : line
  return clean(short) || '(untitled)'
}

const clean = (text: string) => text.trim().toWellFormed()
