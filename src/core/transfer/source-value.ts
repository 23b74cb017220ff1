import { createHash } from 'node:crypto'
import type { ConversationNode, Part } from './conversation.ts'

/** A stored value as text: SQLite lets any column hold a number or bytes. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return typeof value === 'number' ? String(value) : null
}

/** A stored value as text, or null where there is nothing but blanks. */
export function filledTextOf(value: unknown): string | null {
  const text = textOf(value)
  return text?.trim() ? text : null
}

/** A stored value as a number, also when it was written as text. */
export function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** A stored truth: 1 and 0, or the words that some programs bind; `otherwise` for anything else. */
export function truthOf(value: unknown, otherwise: boolean): boolean {
  const word = String(value).trim().toLowerCase()
  if (['true', 't', 'yes', 'on'].includes(word)) return true
  if (['false', 'f', 'no', 'off', ''].includes(word)) return false
  const number = numberOf(value)
  return number === null ? otherwise : number !== 0
}

/** Stored JSON as a value; undefined when it is none. */
export function jsonOf(value: unknown): unknown {
  const text = filledTextOf(value)
  if (text === null) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Stored JSON as a value, or its text when it is none; null for nothing. */
export function jsonOrText(value: unknown): unknown {
  const parsed = jsonOf(value)
  return parsed === undefined ? textOf(value) : parsed
}

/** Whether a value is an object with names, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Stored metadata as an object: an array is kept under the name `list`, what is neither as `source_metadata`. */
export function metadataOf(value: unknown, list = 'source_metadata'): Record<string, unknown> {
  const metadata = jsonOrText(value)
  if (isObject(metadata)) return metadata
  if (Array.isArray(metadata)) return { [list]: metadata }
  return metadata === null || metadata === '' ? {} : { source_metadata: metadata }
}

/** Those of the entries that say something: neither null, undefined, false nor an empty text. */
export function present(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entries).filter(([, value]) => value != null && value !== false && value !== ''),
  )
}

type Role = ConversationNode['role']

const ROLES: Record<string, Role> = {
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  ai: 'assistant',
  bot: 'assistant',
  gpt: 'assistant',
  model: 'assistant',
  agent: 'assistant',
  system: 'system',
  developer: 'system',
  tool: 'tool',
  function: 'tool',
}

/** The role of a message in whatever case; one with another name is told in `metadata.source_role`. */
export function roleOf(value: unknown): { role: Role; metadata: Record<string, unknown> } {
  const name = textOf(value) ?? ''
  const word = name.trim().toLowerCase()
  // Neither what a person asked nor what a model answered: a note in between.
  const role = (Object.hasOwn(ROLES, word) ? ROLES[word] : undefined) ?? 'system'
  return { role, metadata: role === word ? {} : { source_role: name } }
}

/** What is said in a message. */
export function textOfParts(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n')
}

/** A text as the parts of a message: none when it is empty. */
export function textParts(value: unknown): Part[] {
  const text = textOf(value)
  return text ? [{ kind: 'text', text }] : []
}

/** A message before it is known what it follows. */
export type LooseNode = Omit<ConversationNode, 'parent'>

/** Messages, each the answer to the one before it. */
export function chain(nodes: readonly LooseNode[], parent: string | null = null): ConversationNode[] {
  return nodes.map((node, index) => ({ ...node, parent: nodes[index - 1]?.id ?? parent }))
}

/** SHA-256 of bytes or text, hex. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The last part of a path, of whatever system. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path
}
