import type { ConversationNode } from '../conversation.ts'
import { asName } from './values.ts'

type Role = ConversationNode['role']

const NAMES = new Map<string, Role>([
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['system', 'system'],
  ['tool', 'tool'],
])

/** Words in other names of roles; the first that occurs decides. */
const WORDS: [RegExp, Role][] = [
  [/tool|function|plugin|observation|ipython/, 'tool'],
  [/user|human|prompter/, 'user'],
  [/assistant|agent|model|bot|gpt|^ai$/, 'assistant'],
]

/**
 * Returns the role nearest to the one that a source names, in whatever case. Any name except the four (or
 * `human`) is also returned as `source_role` for the metadata; an unknown role belongs to neither side, so it
 * becomes `system`.
 */
export function readRole(value: unknown): { role: Role; metadata: { source_role?: string } } {
  const given = asName(value)
  const name = given?.toLowerCase() ?? 'system'
  const known = NAMES.get(name)
  if (known || given === null) return { role: known ?? 'system', metadata: {} }
  return { role: WORDS.find(([word]) => word.test(name))?.[1] ?? 'system', metadata: { source_role: given } }
}
