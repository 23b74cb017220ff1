import { v5 as uuid } from 'uuid'
import { sha256 } from './attachments.ts'
import { Refused } from './conversation.ts'
import { jsonOf } from './json.ts'

/** The namespace of all ids that imports make; never to be changed, or everything would come in a second time. */
const NAMESPACE = '6f1f3b5e-6d0a-5b0e-9a35-2f6f5a1c7d11'

/** The id of an imported record: the same for the same record of the same source, whenever it is imported. */
export function importedId(source: string, ...path: readonly string[]): string {
  // Lengths keep ('a', 'bc') apart from ('ab', 'c').
  return uuid([source, ...path].map((part) => `${part.length}:${part}`).join(','), NAMESPACE)
}

/** An id for what has none in its source: the same for the same content. Throws Refused for endless nesting. */
export function contentId(value: unknown): string {
  const json = jsonOf(value)
  if (json === null) throw new Refused(null, 'it has no id, and is nested too deep to be given one')
  return sha256(json).slice(0, 32)
}
