import type { Part } from './conversation.ts'
import { decodeJson } from './json.ts'
import { asName, asNonBlank, asNonEmpty } from './values.ts'

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
