import { attachment } from './attachments.ts'
import type { Part } from './conversation.ts'
import {
  asArray,
  asBoolean,
  asCount,
  asName,
  asRecord,
  asRecords,
  asString,
  decodeJson,
  type JsonRecord,
  leftover,
} from './json.ts'
import { readRole } from './roles.ts'
import { readTime } from './times.ts'
import type { Message } from './tree.ts'

/** One version of a message: a user's in one step, or a model's in several. Null where there is nothing in it. */
export function readVersion(version: JsonRecord): Message | null {
  const steps = asRecords(version.steps)
  const multiple = version.type === 'multiStep' || steps.length > 0
  if (!multiple && version.role === undefined && version.content === undefined) return null
  const { role, metadata } = readRole(version.role ?? (multiple ? 'assistant' : undefined))
  const blocks = multiple ? steps.filter(({ type }) => !STATUS.has(asName(type) ?? '')) : [version]
  const read = blocks.map((block) => readBlock(block, role === 'tool'))
  const unknown = blocks.filter((block, index) => read[index]?.length === 0 && !('content' in block))
  const generated = blocks.map((block) => asRecord(block.genInfo)).findLast((info) => info !== null)
  const sender = asName(asRecord(version.senderInfo)?.senderName)
  const model = asName(generated?.identifier) ?? asName(generated?.indexedModelIdentifier)
  return {
    role,
    hidden: role === 'system' || role === 'tool',
    parts: read.flat(),
    model_name: role === 'assistant' ? (model ?? sender) : null,
    created_at: steps.map(timeOf).find((time) => time !== null) ?? null,
    metadata: {
      ...leftover(version, ['type', 'role', 'content', 'steps', 'senderInfo']),
      ...leftover({ sender, stats: generated?.stats, unknown_steps: unknown }, []),
      ...metadata,
    },
  }
}

/** Steps that say how the work went, not what was said. */
const STATUS = new Set(['debugInfoBlock', 'toolStatus'])

/** The only time of a message: the milliseconds before the dash in the name of a step. */
function timeOf(step: JsonRecord): string | null {
  return readTime(/^\d{10,20}/.exec(asString(step.stepIdentifier) ?? '')?.[0])
}

function readBlock(block: JsonRecord, fromTool: boolean): Part[] {
  const style = asRecord(block.style)
  const thinks = style?.type === 'thinking'
  const pieces = typeof block.content === 'string' ? [block.content] : asArray(block.content)
  const parts: Part[] = []
  let text = ''
  const endText = () => {
    const tool = fromTool || asName(block.role) === 'tool'
    if (text !== '') parts.push(thinks ? { kind: 'reasoning', text } : asPart(text, tool))
    text = ''
  }
  for (const value of pieces) {
    const piece = asRecord(value) ?? { type: 'text', text: value }
    // The tags around the thinking are pieces of their own.
    if (thinks && asBoolean(piece.isStructural)) continue
    const other = readPiece(piece)
    if (!other) text += asString(piece.text) ?? ''
    else {
      endText()
      parts.push(other)
    }
  }
  endText()
  return parts
}

function asPart(text: string, tool: boolean): Part {
  return tool ? { kind: 'tool_result', name: null, output: text } : { kind: 'text', text }
}

/** A piece of a block that is not text; null for one that is. */
function readPiece(piece: JsonRecord): Part | null {
  switch (piece.type) {
    case 'toolCallRequest':
      return {
        kind: 'tool_call',
        name: asName(piece.name),
        input: decodeJson(piece.parameters ?? piece.arguments ?? null),
      }
    case 'toolCallResult':
      return { kind: 'tool_result', name: asName(piece.name), output: decodeJson(piece.content ?? null) }
    case 'file':
      return attachment({
        name: asName(piece.name) ?? asName(piece.fileIdentifier),
        type: asName(piece.fileType),
        bytes: asCount(piece.sizeBytes),
      })
    default:
      return null
  }
}
