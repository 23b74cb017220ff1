import type { Part } from '../../conversation.ts'
import { attachment } from '../attachments.ts'
import type { Message } from '../grow-tree.ts'
import { asToolResults, reasoningParts, textParts, toolCall, toolResult } from '../parts.ts'
import { readRole } from '../roles.ts'
import { readTime } from '../times.ts'
import {
  asArray,
  asBoolean,
  asCount,
  asName,
  asNonEmpty,
  asRecord,
  asRecords,
  type JsonRecord,
  leftover,
  present,
} from '../values.ts'

/** Reads one version of a message: a user's in one step, or a model's in several. Null when it is empty. */
export function readVersion(version: JsonRecord): Message | null {
  const steps = asRecords(version.steps)
  const multiple = version.type === 'multiStep' || steps.length > 0
  if (!multiple && version.role === undefined && version.content === undefined) return null
  const { role, metadata } = readRole(version.role ?? (multiple ? 'assistant' : undefined))
  const blocks = multiple ? steps.filter(({ type }) => !STATUS.has(asName(type) ?? '')) : [version]
  const read = blocks.map((block) => readBlock(block, role === 'tool'))
  const unknown = blocks.filter((block, index) => read[index]?.length === 0 && !('content' in block))
  const generated = blocks.map((block) => asRecord(block.genInfo)).findLast((info) => info !== null) ?? null
  const sender = asName(asRecord(version.senderInfo)?.senderName)
  return {
    role,
    hidden: role === 'system' || role === 'tool',
    parts: read.flat(),
    model_name: role === 'assistant' ? (modelOf(generated) ?? sender) : null,
    created_at: steps.map(timeOf).find((time) => time !== null) ?? null,
    metadata: {
      ...leftover(version, ['type', 'role', 'content', 'steps', 'senderInfo']),
      ...present({ sender, stats: generated?.stats, unknown_steps: unknown }),
      ...metadata,
    },
  }
}

/** Returns the model from one of LM Studio's descriptions. */
export function modelOf(info: JsonRecord | null): string | null {
  return asName(info?.identifier) ?? asName(info?.indexedModelIdentifier)
}

/** Steps about the progress of the work, not the content of the message. */
const STATUS = new Set(['debugInfoBlock', 'toolStatus'])

/** Returns the only time of a message: the milliseconds before the dash in the name of a step. */
function timeOf(step: JsonRecord): string | null {
  return readTime(/^\d{10,20}/.exec(asNonEmpty(step.stepIdentifier) ?? '')?.[0])
}

function readBlock(block: JsonRecord, fromTool: boolean): Part[] {
  const style = asRecord(block.style)
  const thinks = style?.type === 'thinking'
  const pieces = typeof block.content === 'string' ? [block.content] : asArray(block.content)
  const parts: Part[] = []
  let text = ''
  const endText = () => {
    const said = thinks ? reasoningParts(text) : textParts(text)
    parts.push(...(fromTool || asName(block.role) === 'tool' ? asToolResults(said) : said))
    text = ''
  }
  for (const value of pieces) {
    const piece = asRecord(value) ?? { type: 'text', text: value }
    // The tags around the thinking are pieces of their own.
    if (thinks && asBoolean(piece.isStructural)) continue
    const other = readPiece(piece)
    if (!other) text += asNonEmpty(piece.text) ?? ''
    else {
      endText()
      parts.push(other)
    }
  }
  endText()
  return parts
}

/** Reads a piece of a block that is not text; null for one that is. */
function readPiece(piece: JsonRecord): Part | null {
  switch (piece.type) {
    case 'toolCallRequest':
      return toolCall(piece.name, piece.parameters ?? piece.arguments)
    case 'toolCallResult':
      return toolResult(piece.name, piece.content)
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
