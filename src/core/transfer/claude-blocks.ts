import type { Part } from './conversation.ts'
import {
  asArray,
  asBoolean,
  asName,
  asRecord,
  asRecords,
  asString,
  type JsonRecord,
  leftover,
} from './json.ts'

/** What a message says, from its `content` blocks; from the flat `text` where they hold no text. */
export function readBlocks(message: JsonRecord): { parts: Part[]; metadata: JsonRecord } {
  const blocks = asArray(message.content)
  const calls = asRecords(blocks).filter(({ id }) => asName(id))
  const names = new Map(calls.map((call) => [call.id, asName(call.name)]))
  const read = blocks.map((block) => readBlock(block, names))
  const unknown = blocks.filter((block, index) => read[index]?.length === 0 && isUnknown(block))
  const references = asRecords(blocks).flatMap((block) => asRecords(block.citations))
  const parts = read.flat()
  const flat = withoutPlaceholders(asString(message.text) ?? asString(message.content) ?? '')
  if (flat !== '' && !parts.some(({ kind }) => kind === 'text')) parts.push({ kind: 'text', text: flat })
  return { parts, metadata: leftover({ unknown_blocks: unknown, references }, []) }
}

function readBlock(value: unknown, names: Map<unknown, string | null>): Part[] {
  const block = asRecord(value) ?? { type: 'text', text: value }
  const text = asString(block.text)
  switch (block.type) {
    case 'thinking':
      return reasoning(block)
    case 'tool_use':
      return [{ kind: 'tool_call', name: asName(block.name), input: block.input ?? null }]
    case 'tool_result': {
      const name = asName(block.name) ?? names.get(block.tool_use_id) ?? null
      return [{ kind: 'tool_result', name, output: readOutput(block) }]
    }
    default:
      return text === null ? [] : [{ kind: 'text', text }]
  }
}

function reasoning(block: JsonRecord): Part[] {
  const summaries = asRecords(block.summaries).flatMap(({ summary }) => asString(summary) ?? [])
  const text = asString(block.thinking) ?? asString(block.text) ?? summaries.join('\n')
  return text === '' ? [] : [{ kind: 'reasoning', text }]
}

/** What a tool gave: as text where it is only that, and marked when it failed. */
function readOutput(block: JsonRecord): unknown {
  const pieces = asArray(block.content)
  const texts = pieces.flatMap((piece) => {
    const { type, text } = asRecord(piece) ?? { type: 'text', text: piece }
    return type === 'text' ? (asString(text) ?? []) : []
  })
  const output =
    texts.length > 0 && texts.length === pieces.length ? texts.join('\n') : (block.content ?? null)
  return asBoolean(block.is_error) ? { is_error: true, content: output } : output
}

function isUnknown(value: unknown): boolean {
  const block = asRecord(value)
  return block !== null && !['text', 'thinking', 'token_budget'].includes(asName(block.type) ?? '')
}

/** The flat text has such a sentence, mostly fenced, for every block that is not text. */
const PLACEHOLDER = /(?:```\s{0,4})?This block is not supported on your current device yet\.(?:\s{0,4}```)?/g

function withoutPlaceholders(text: string): string {
  const said = text.replace(PLACEHOLDER, '')
  return said === text ? text : said.trim()
}
