import type { Part } from '../../conversation.ts'
import { joinTexts, reasoningParts, textParts, toolCall, toolResult } from '../parts.ts'
import {
  asArray,
  asBoolean,
  asName,
  asNonBlank,
  asNonEmpty,
  asRecord,
  asRecords,
  type JsonRecord,
  present,
} from '../values.ts'

/**
 * Returns the content of a message, from its `content` blocks; from the flat `text` when they hold no text.
 */
export function readBlocks(message: JsonRecord): { parts: Part[]; metadata: JsonRecord } {
  const blocks = asArray(message.content)
  const calls = asRecords(blocks).filter(({ id }) => asName(id))
  const names = new Map(calls.map((call) => [call.id, asName(call.name)]))
  const read = blocks.map((block) => readBlock(block, names))
  const unknown = blocks.filter((block, index) => read[index]?.length === 0 && isUnknown(block))
  const references = asRecords(blocks).flatMap((block) => asRecords(block.citations))
  const parts = read.flat()
  const flat = withoutPlaceholders(asNonEmpty(message.text) ?? asNonEmpty(message.content) ?? '')
  if (!parts.some(({ kind }) => kind === 'text')) parts.push(...textParts(flat))
  return { parts, metadata: present({ unknown_blocks: unknown, references }) }
}

function readBlock(value: unknown, names: Map<unknown, string | null>): Part[] {
  const block = asRecord(value) ?? { type: 'text', text: value }
  switch (block.type) {
    case 'thinking':
      return reasoningParts(asNonBlank(block.thinking) ?? asNonBlank(block.text) ?? summariesOf(block))
    case 'tool_use':
      return [toolCall(block.name, block.input)]
    case 'tool_result':
      return [toolResult(asName(block.name) ?? names.get(block.tool_use_id), readOutput(block))]
    default:
      return textParts(block.text)
  }
}

function summariesOf(block: JsonRecord): string {
  return asRecords(block.summaries)
    .flatMap(({ summary }) => asNonEmpty(summary) ?? [])
    .join('\n')
}

/** Returns the output of a tool: as text if it is only text, and marked when it failed. */
function readOutput(block: JsonRecord): unknown {
  const output = joinTexts(block.content)
  return asBoolean(block.is_error) ? { is_error: true, content: output ?? null } : output
}

function isUnknown(value: unknown): boolean {
  const block = asRecord(value)
  return block !== null && !['text', 'thinking', 'token_budget'].includes(asName(block.type) ?? '')
}

/** The flat text contains such a sentence, usually fenced, for every block that is not text. */
const PLACEHOLDER = /(?:```\s{0,4})?This block is not supported on your current device yet\.(?:\s{0,4}```)?/g

function withoutPlaceholders(text: string): string {
  const said = text.replace(PLACEHOLDER, '')
  return said === text ? text : said.trim()
}
