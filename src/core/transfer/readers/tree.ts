import type { Conversation, ConversationNode } from '../conversation.ts'

/** A message whose parent is not known yet. */
export type LooseNode = Omit<ConversationNode, 'parent'>

/** Returns the messages from the first to the current one. */
export function activePath({ nodes, current }: Pick<Conversation, 'nodes' | 'current'>): ConversationNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const path: ConversationNode[] = []
  for (let node = byId.get(current ?? ''); node; node = byId.get(node.parent ?? '')) path.push(node)
  return path.reverse()
}

/** Returns the model of the last message on the path to the current one that names a model. */
export function lastModel(tree: Pick<Conversation, 'nodes' | 'current'>): string | null {
  return activePath(tree).findLast(({ model_name }) => model_name)?.model_name ?? null
}

/** Returns the parents for a list in which each message follows the one before it. */
export function inARow(ids: string[]): (string | null)[] {
  return ids.map((_id, index) => ids[index - 1] ?? null)
}

/** Chains messages without a place, each as the answer to the one before it. */
export function chain(nodes: readonly LooseNode[]): ConversationNode[] {
  return nodes.map((node, index) => ({ ...node, parent: nodes[index - 1]?.id ?? null }))
}

/** Returns, for each id, the parent whose list of children names it. */
export function parentsByChildren(
  lists: Iterable<[parent: string, children: unknown[]]>,
): Map<unknown, string> {
  const parents = new Map<unknown, string>()
  for (const [parent, children] of lists) {
    for (const child of children) if (!parents.has(child)) parents.set(child, parent)
  }
  return parents
}
