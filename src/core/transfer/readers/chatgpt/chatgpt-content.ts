import type { ConversationNode, Part } from '../../conversation.ts'
import { attachment } from '../attachments.ts'
import { reasoningParts, textParts, textsIn, toolCall, toolResult } from '../parts.ts'
import {
  asArray,
  asName,
  asNonEmpty,
  asRecord,
  asRecords,
  type JsonRecord,
  leftover,
  present,
} from '../values.ts'
import { findPointers, pointersIn, readAttachments } from './chatgpt-files.ts'
import { resolveMarks } from './citations.ts'

/** The content of a ChatGPT message, split into parts. */
export interface Content {
  parts: Part[]
  /** Content that fits no part: descriptions of assets, content of an unknown kind. */
  metadata: JsonRecord
}

/** The facts that decide how content is read. */
export interface Speaker {
  role: ConversationNode['role']
  /** The tool that speaks. */
  name: string | null
  /** The tool that is addressed; null for the user. */
  recipient: string | null
}

/**
 * Returns the parts of a message's `content`, whatever its `content_type`; the output of a tool is never
 * text.
 */
export function readContent(message: JsonRecord, speaker: Speaker): Content {
  const metadata = asRecord(message.metadata) ?? {}
  const content = asRecord(message.content) ?? { parts: [message.content] }
  const pointers = findPointers(content, metadata)
  const attachments = readAttachments(pointers, metadata)
  const read = readWords(content, metadata, speaker)
  const assets = pointers.map((pointer) => leftover(pointer, ['content_type', 'text', 'decoding_id']))
  return {
    parts: [...read.parts, ...attachments],
    metadata: { ...read.metadata, ...present({ assets, content_type: oddType(content) }) },
  }
}

/** Returns a content type other than the usual one. */
function oddType(content: JsonRecord): string | null {
  const type = asName(content.content_type)
  return type && !SPOKEN.has(type) ? type : null
}

function readWords(content: JsonRecord, metadata: JsonRecord, speaker: Speaker): Content {
  const type = asName(content.content_type)
  if (type === 'thoughts') return partsOf(readThoughts(content), content)
  if (type === 'reasoning_recap') return partsOf(reasoningParts(content.content), content)
  const text = resolveMarks(
    type?.endsWith('_editable_context') ? readContext(content) : readText(content),
    metadata,
  )
  if (speaker.role === 'tool' || (type && TOOL_TYPES.has(type) && speaker.role !== 'user')) {
    return partsOf(text === '' ? [] : [toolResult(speaker.name ?? type, text)], content)
  }
  if (type === 'tether_quote' && text !== '') {
    const name = asName(content.title) ?? asName(content.domain) ?? asName(content.url)
    return { parts: [attachment({ name, text })], metadata: present({ quoted_from: content.url }) }
  }
  if (speaker.role === 'assistant' && (speaker.recipient !== null || type === 'code')) {
    return partsOf(text === '' ? [] : [toolCall(speaker.recipient, text)], content)
  }
  return partsOf(textParts(text), content)
}

const SPOKEN = new Set(['text', 'multimodal_text'])
const TOOL_TYPES = new Set([
  'execution_output',
  'tether_quote',
  'tether_browsing_display',
  'system_error',
  'computer_output',
])

/** Returns parts as content; when nothing could be read, keeps the content itself. */
function partsOf(parts: Part[], content: JsonRecord): Content {
  if (parts.length > 0) return { parts, metadata: unknownPieces(content) }
  const rest = leftover(content, ['content_type', 'parts', 'language', 'response_format_name'])
  return { parts, metadata: { ...unknownPieces(content), ...(Object.keys(rest).length > 0 && { content }) } }
}

function unknownPieces(content: JsonRecord): JsonRecord {
  const pieces = asRecords(content.parts).filter(
    (piece) => pointersIn(piece).length === 0 && asNonEmpty(piece.text) === null,
  )
  return pieces.length > 0 ? { unknown_parts: pieces } : {}
}

function readText(content: JsonRecord): string {
  const others = [content.text, content.result, content.content].map(asNonEmpty)
  return [...textsIn(content.parts), ...others].filter((text) => text !== null).join('\n')
}

function readContext(content: JsonRecord): string {
  const texts = [content.user_profile, content.user_instructions, content.model_set_context].map(asNonEmpty)
  return texts.filter((text) => text !== null).join('\n\n') || readText(content)
}

function readThoughts(content: JsonRecord): Part[] {
  return asArray(content.thoughts).flatMap((thought) => {
    const { summary, content: words, chunks } = asRecord(thought) ?? { content: thought }
    const said = asNonEmpty(words) ?? textsIn(chunks).join('')
    return reasoningParts([asNonEmpty(summary), said].filter(Boolean).join('\n'))
  })
}
