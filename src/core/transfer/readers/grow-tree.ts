import type { Conversation, ConversationNode } from '../conversation.ts'
import { jsonOf } from './json.ts'

/** The content of a message, without its place. */
export type Message = Omit<ConversationNode, 'id' | 'parent'>

/** A message with the place that its source gives it, which may not exist. */
export interface Draft {
  id: string
  /** Possible parents; the first that exists is used, and with none of them the message is a root. */
  parents: (string | null)[]
  /** Null for a place without a message: its children move up. */
  message: Message | null
}

/**
 * Builds a valid tree of messages, parents first: repeated ids are made unique (or dropped when the content
 * is equal), missing parents and cycles are cut, with the lost parent kept as `source_parent` in the
 * metadata. The current message is the first of `current` that exists, otherwise the newest leaf.
 */
export function growTree(
  drafts: Draft[],
  current: (string | null)[],
): Pick<Conversation, 'nodes' | 'current'> {
  const byId = distinct(drafts)
  const parents = new Map([...byId.values()].map((draft) => [draft.id, existingParent(draft, byId)]))
  cutCircles(parents)
  /** For every place, the message there or the nearest one above. */
  const nearest = new Map<string, string | null>()
  const nodes: ConversationNode[] = []
  for (const id of parentsFirst(parents)) {
    const draft = byId.get(id)
    const parent = nearest.get(parents.get(id) ?? '') ?? null
    nearest.set(id, draft?.message ? id : parent)
    if (draft?.message) nodes.push({ id, parent, ...withLostParent(draft, draft.message, parents) })
  }
  const given = current.flatMap((id) => nearest.get(id ?? '') ?? [])
  return { nodes, current: given[0] ?? newestLeaf(nodes) }
}

function distinct(drafts: Draft[]): Map<string, Draft> {
  const byId = new Map<string, Draft>()
  const times = new Map<string, number>()
  for (const draft of drafts) {
    const named = draft.id || '#'
    const first = byId.get(named)
    if (first && (draft.message === null || areEqual(first, draft))) continue
    let id = named
    if (first?.message !== null) {
      for (let time = times.get(named) ?? 1; byId.has(id); id = `${named}#${time}`) times.set(named, ++time)
    }
    byId.set(id, { ...draft, id })
  }
  return byId
}

function areEqual(one: Draft, other: Draft): boolean {
  const json = jsonOf(one)
  return json !== null && json === jsonOf(other)
}

function existingParent(draft: Draft, byId: Map<string, Draft>): string | null {
  return draft.parents.find((parent) => parent !== null && parent !== draft.id && byId.has(parent)) ?? null
}

/** Makes the first member of every cycle a root. */
function cutCircles(parents: Map<string, string | null>): void {
  const order = new Map([...parents.keys()].map((id, index) => [id, index]))
  const rank = (id: string) => order.get(id) ?? 0
  const seenFrom = new Map<string, string>()
  for (const start of parents.keys()) {
    let id: string | null = start
    while (id !== null && !seenFrom.has(id)) {
      seenFrom.set(id, start)
      id = parents.get(id) ?? null
    }
    if (id === null || seenFrom.get(id) !== start) continue
    let first = id
    for (let next = parents.get(id); next && next !== id; next = parents.get(next)) {
      if (rank(next) < rank(first)) first = next
    }
    parents.set(first, null)
  }
}

/** Returns the ids in their own order, except that a parent is moved before its children. */
function parentsFirst(parents: Map<string, string | null>): Set<string> {
  const ordered = new Set<string>()
  for (const start of parents.keys()) {
    const waiting: string[] = []
    for (let id: string | null = start; id !== null && !ordered.has(id); id = parents.get(id) ?? null) {
      waiting.push(id)
    }
    for (const id of waiting.reverse()) ordered.add(id)
  }
  return ordered
}

function withLostParent(draft: Draft, message: Message, parents: Map<string, string | null>): Message {
  const lost = parents.get(draft.id) === null ? draft.parents.find((parent) => parent !== null) : undefined
  if (lost === undefined) return message
  return { ...message, metadata: { ...message.metadata, source_parent: lost } }
}

/**
 * Returns the leaf with the latest time, its own or that of the nearest message above that has one; the last
 * among equals.
 */
function newestLeaf(nodes: ConversationNode[]): string | null {
  const inner = new Set(nodes.map(({ parent }) => parent))
  const times = new Map<string, string>()
  let newest: string | null = null
  for (const { id, parent, created_at } of nodes) {
    const time = created_at ?? times.get(parent ?? '') ?? ''
    times.set(id, time)
    if (!inner.has(id) && time >= (times.get(newest ?? '') ?? '')) newest = id
  }
  return newest
}
