import type { Part } from '../conversation.ts'
import { decodeJson } from './json.ts'
import { asArray, asName, asNonBlank, asNonEmpty, asRecord } from './values.ts'

/** Returns a text as the parts of a message: none when it is empty. */
export function textParts(value: unknown): Part[] {
  const text = asNonEmpty(value)
  return text === null ? [] : [{ kind: 'text', text }]
}

/** Returns reasoning as the parts of a message: none when it is blank. */
export function reasoningParts(value: unknown): Part[] {
  const text = asNonBlank(value)
  return text === null ? [] : [{ kind: 'reasoning', text }]
}

/** Returns the call of a tool. */
export function toolCall(name: unknown, input: unknown): Part {
  return { kind: 'tool_call', name: asName(name), input: decodeJson(input ?? null) }
}

/** Returns the answer of a tool. */
export function toolResult(name: unknown, output: unknown): Part {
  return { kind: 'tool_result', name: asName(name), output: decodeJson(output ?? null) }
}

/** Returns the parts of a tool message: its text is a result, never part of the conversation. */
export function asToolResults(parts: readonly Part[]): Part[] {
  return parts.map((part) => (part.kind === 'text' ? toolResult(null, part.text) : part))
}

/** Returns the text of a message. */
export function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n')
}

/** Returns the texts of a content that is a text, or a list of texts and of pieces that contain one. */
export function textsIn(content: unknown): string[] {
  const pieces = Array.isArray(content) ? content : [content]
  return pieces.flatMap((piece) => textIn(piece) ?? [])
}

/** Joins a list that contains only texts; returns any other content unchanged. */
export function joinTexts(content: unknown): unknown {
  const pieces = asArray(content)
  return pieces.length > 0 && pieces.every(isText) ? textsIn(pieces).join('\n') : content
}

const textIn = (piece: unknown) => asNonEmpty(piece) ?? asNonEmpty(asRecord(piece)?.text)

/** Returns true for a text piece; a citation or an image may contain a text too, but not only that. */
function isText(piece: unknown): boolean {
  const type = asName(asRecord(piece)?.type) ?? 'text'
  return textIn(piece) !== null && type.endsWith('text')
}
