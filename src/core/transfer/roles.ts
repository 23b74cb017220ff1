import type { ConversationNode } from './conversation.ts'
import { asName } from './json.ts'

type Role = ConversationNode['role']

/** Words in names of roles; the first that occurs decides. */
const WORDS: [RegExp, Role][] = [
  [/tool|function|plugin|observation|ipython/, 'tool'],
  [/user|human|prompter/, 'user'],
  [/assistant|model|bot|gpt|^ai$/, 'assistant'],
]

/**
 * The role nearest to the one that a source names. What is not one of the four names (or `human`) is also given as
 * `source_role` for the metadata; what nothing is known of is no one's turn, so `system`.
 */
export function readRole(value: unknown): { role: Role; metadata: { source_role?: string } } {
  const name = asName(value)?.toLowerCase() ?? ''
  if (name === 'human') return { role: 'user', metadata: {} }
  if (name === 'user' || name === 'assistant' || name === 'system' || name === 'tool') {
    return { role: name, metadata: {} }
  }
  const role = WORDS.find(([word]) => word.test(name))?.[1] ?? 'system'
  return { role, metadata: name === '' ? {} : { source_role: String(value) } }
}
