import { type Attachment, attachment } from './attachments.ts'
import { resolveMarks } from './citations.ts'
import type { ConversationNode, Part } from './conversation.ts'
import { reasoningParts, textParts, toolCall, toolResult } from './parts.ts'
import {
  asArray,
  asCount,
  asName,
  asNonEmpty,
  asRecord,
  asRecords,
  type JsonRecord,
  leftover,
  present,
} from './values.ts'

/** The content of a message of ChatGPT, taken apart. */
export interface Content {
  parts: Part[]
  /** What no part holds: descriptions of assets, content of an unknown kind. */
  metadata: JsonRecord
}

/** What decides how content is to be read. */
export interface Speaker {
  role: ConversationNode['role']
  /** The tool that speaks. */
  name: string | null
  /** The tool that is spoken to; null for the person. */
  recipient: string | null
}

/** The parts of a message's `content`, whatever its `content_type`; what a tool says is never text. */
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

/** A content type that is not the usual one. */
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

/** Where nothing could be read, the content itself is kept. */
function partsOf(parts: Part[], content: JsonRecord): Content {
  if (parts.length > 0) return { parts, metadata: unknownPieces(content) }
  const rest = leftover(content, ['content_type', 'parts', 'language', 'response_format_name'])
  return { parts, metadata: { ...unknownPieces(content), ...(Object.keys(rest).length > 0 && { content }) } }
}

function unknownPieces(content: JsonRecord): JsonRecord {
  const pieces = asRecords(content.parts).filter(
    (piece) => !isAsset(piece) && asNonEmpty(piece.text) === null,
  )
  return pieces.length > 0 ? { unknown_parts: pieces } : {}
}

function readText(content: JsonRecord): string {
  const pieces = asArray(content.parts).map((piece) => asNonEmpty(piece) ?? asNonEmpty(asRecord(piece)?.text))
  const texts = [...pieces, asNonEmpty(content.text), asNonEmpty(content.result), asNonEmpty(content.content)]
  return texts.filter((text) => text !== null).join('\n')
}

function readContext(content: JsonRecord): string {
  const texts = [content.user_profile, content.user_instructions, content.model_set_context].map(asNonEmpty)
  return texts.filter((text) => text !== null).join('\n\n') || readText(content)
}

function readThoughts(content: JsonRecord): Part[] {
  return asArray(content.thoughts).flatMap((thought) => {
    const { summary, content: words, chunks } = asRecord(thought) ?? { content: thought }
    const said =
      asNonEmpty(words) ??
      asArray(chunks)
        .flatMap((chunk) => asNonEmpty(chunk) ?? [])
        .join('')
    return reasoningParts([asNonEmpty(summary), said].filter(Boolean).join('\n'))
  })
}

const isAsset = (piece: JsonRecord) => pointersIn(piece).length > 0

/** A piece of content that stands for a file, or the ones inside a recording. */
function pointersIn(piece: JsonRecord): JsonRecord[] {
  const {
    audio_asset_pointer: sound,
    video_container_asset_pointer: video,
    frames_asset_pointers: frames,
  } = piece
  return asRecords([piece, sound, video, ...asArray(frames)]).filter((part) => asName(part.asset_pointer))
}

function findPointers(content: JsonRecord, metadata: JsonRecord): JsonRecord[] {
  const images = asRecords(asRecord(metadata.aggregate_result)?.messages)
    .filter(({ image_url }) => asName(image_url))
    .map(({ image_url, width, height }) => ({ asset_pointer: image_url, width, height }))
  return [...asRecords(content.parts), ...asRecords(content.assets)].flatMap(pointersIn).concat(images)
}

/** The files of a message: those that it shows, with what `attachments` says of them, then the others in there. */
function readAttachments(pointers: JsonRecord[], metadata: JsonRecord): Attachment[] {
  const listed = asRecords(metadata.attachments)
  const shown = new Map<string, JsonRecord>()
  for (const pointer of pointers) {
    const file = asName(pointer.asset_pointer)
      ?.replace(/^[a-z-]+:\/\//, '')
      .replace(/[#?].*$/, '')
    if (file) shown.set(file, pointer)
  }
  const others = listed.filter(({ id }) => !shown.has(asName(id) ?? '')).map((file) => describe(file, null))
  const own = [...shown].map(([id, pointer]) => {
    const known = listed.find((file) => asName(file.id) === id) ?? {}
    return describe({ id, size: pointer.size_bytes, ...leftover(known, ['id']) }, pointer)
  })
  return [...own, ...others]
}

function describe(file: JsonRecord, pointer: JsonRecord | null): Attachment {
  const format = asName(pointer?.format)
  const type = asName(file.mime_type) ?? asName(file.mimeType) ?? (format && `audio/${format}`)
  const id = asName(file.id)
  return attachment({
    name: asName(file.name) ?? id,
    type,
    bytes: asCount(file.size),
    ...(id === null ? {} : { file: id }),
  })
}
