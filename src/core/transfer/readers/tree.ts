import type { Conversation, ConversationNode } from '../conversation.ts'

/** A message before it is known what it follows. */
export type LooseNode = Omit<ConversationNode, 'parent'>

/** The messages from the first to the current one. */
export function activePath({ nodes, current }: Pick<Conversation, 'nodes' | 'current'>): ConversationNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const path: ConversationNode[] = []
  for (let node = byId.get(current ?? ''); node; node = byId.get(node.parent ?? '')) path.push(node)
  return path.reverse()
}

/** The model of the last message on the path to the current one that names any. */
export function lastModel(tree: Pick<Conversation, 'nodes' | 'current'>): string | null {
  return activePath(tree).findLast(({ model_name }) => model_name)?.model_name ?? null
}

/** Parents of a list in which each follows the one before it. */
export function inARow(ids: string[]): (string | null)[] {
  return ids.map((_id, index) => ids[index - 1] ?? null)
}

/** Messages without a place, each as the answer to the one before it. */
export function chain(nodes: readonly LooseNode[]): ConversationNode[] {
  return nodes.map((node, index) => ({ ...node, parent: nodes[index - 1]?.id ?? null }))
}

/** For each id the one whose list of children names it. */
export function parentsByChildren(
  lists: Iterable<[parent: string, children: unknown[]]>,
): Map<unknown, string> {
  const parents = new Map<unknown, string>()
  for (const [parent, children] of lists) {
    for (const child of children) if (!parents.has(child)) parents.set(child, parent)
  }
  return parents
}
