import { v5 as uuid } from 'uuid'
import { Refused } from './conversation.ts'
import { sha256 } from './readers/attachments.ts'
import { jsonOf } from './readers/json.ts'
import { asName } from './readers/values.ts'

/**
 * The namespace of all ids that imports create; never change it, or everything would be imported a second
 * time.
 */
const NAMESPACE = '6f1f3b5e-6d0a-5b0e-9a35-2f6f5a1c7d11'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Returns true when a record keeps its id: LibreOllama's UUIDs mean the same record in every copy of its
 * database.
 */
function keepsId(source: string, id: string): boolean {
  return source === 'libreollama' && UUID.test(id)
}

/**
 * Derives the id of an imported record: the same for the same record of the same source, whenever it is
 * imported. The path is the id of a chat, or a kind and the id of another record, or leads further into a
 * chat.
 */
export function importedId(source: string, ...path: readonly string[]): string {
  const [first = '', second = ''] = path
  const isRecord = path.length === 1 || (path.length === 2 && KINDS.has(first))
  const own = path.length === 1 ? first : second
  return isRecord && keepsId(source, own) ? own : namespaced(source, path)
}

const KINDS: ReadonlySet<string> = new Set(['agent', 'execution'])

/**
 * Derives the id of a message row in the chat that `path` names; `slot` distinguishes several rows of one
 * message.
 */
export function messageId(source: string, path: readonly string[], id: string, slot: string): string {
  return keepsId(source, id) ? id : namespaced(source, [...path, 'message', id, slot])
}

function namespaced(source: string, path: readonly string[]): string {
  // Lengths distinguish ('a', 'bc') from ('ab', 'c').
  return uuid([source, ...path].map((part) => `${part.length}:${part}`).join(','), NAMESPACE)
}

/** Adds the origin to metadata; a record that keeps its id also keeps its own statement of its origin. */
export function withOrigin(
  metadata: Record<string, unknown>,
  source: string,
  id: string,
): Record<string, unknown> {
  const origin = { source, source_id: id }
  return keepsId(source, id) ? { ...origin, ...metadata } : { ...metadata, ...origin }
}

/**
 * Returns the id that a JSON source gives a chat: text without surrounding blanks, or a number; null when
 * there is none. Throws Refused for a number above 2^53, since JSON parsing loses its last digits and another
 * chat would get the same id.
 */
export function givenId(value: unknown): string | null {
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value))
    return asName(value)
  throw new Refused(null, 'its id is a number that is too long to be told from others; write it as a text')
}

/**
 * Derives an id for a record that has none in its source: the same for the same content. Throws Refused for
 * endless nesting.
 */
export function contentId(value: unknown): string {
  const json = jsonOf(value)
  if (json === null) throw new Refused(null, 'it has no id, and is nested too deep to be given one')
  return sha256(json).slice(0, 32)
}
