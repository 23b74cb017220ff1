import type { Part } from '../conversation.ts'
import { decodeJson } from './json.ts'
import { asArray, asName, asNonBlank, asNonEmpty, asRecord } from './values.ts'

/** A text as the parts of a message: none when it is empty. */
export function textParts(value: unknown): Part[] {
  const text = asNonEmpty(value)
  return text === null ? [] : [{ kind: 'text', text }]
}

/** Reasoning as the parts of a message: none when it is blank. */
export function reasoningParts(value: unknown): Part[] {
  const text = asNonBlank(value)
  return text === null ? [] : [{ kind: 'reasoning', text }]
}

/** What a tool was called with. */
export function toolCall(name: unknown, input: unknown): Part {
  return { kind: 'tool_call', name: asName(name), input: decodeJson(input ?? null) }
}

/** What a tool answered. */
export function toolResult(name: unknown, output: unknown): Part {
  return { kind: 'tool_result', name: asName(name), output: decodeJson(output ?? null) }
}

/** The parts of a message of a tool: what it says is a result, never words of the conversation. */
export function asToolResults(parts: readonly Part[]): Part[] {
  return parts.map((part) => (part.kind === 'text' ? toolResult(null, part.text) : part))
}

/** What is said in a message. */
export function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n')
}

/** The texts of a content that is a text, or a list of texts and of pieces that hold one. */
export function textsIn(content: unknown): string[] {
  const pieces = Array.isArray(content) ? content : [content]
  return pieces.flatMap((piece) => textIn(piece) ?? [])
}

/** A list of nothing but texts as one text, any other content as it is. */
export function joinTexts(content: unknown): unknown {
  const pieces = asArray(content)
  return pieces.length > 0 && pieces.every(isText) ? textsIn(pieces).join('\n') : content
}

const textIn = (piece: unknown) => asNonEmpty(piece) ?? asNonEmpty(asRecord(piece)?.text)

/** What is cited or shown may hold a text too, which is not all there is of it. */
function isText(piece: unknown): boolean {
  const type = asName(asRecord(piece)?.type) ?? 'text'
  return textIn(piece) !== null && type.endsWith('text')
}
