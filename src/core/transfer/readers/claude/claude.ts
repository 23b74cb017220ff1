import { type Conversation, type Part, Refused } from '../../conversation.ts'
import { contentId, givenId } from '../../ids.ts'
import { attachment } from '../attachments.ts'
import { type Draft, growTree } from '../grow-tree.ts'
import { asToolResults } from '../parts.ts'
import { readRole } from '../roles.ts'
import { readTime } from '../times.ts'
import { inARow } from '../tree.ts'
import {
  asBoolean,
  asCount,
  asName,
  asNonEmpty,
  asNumber,
  asRecord,
  asRecords,
  type JsonRecord,
  leftover,
} from '../values.ts'
import { readBlocks } from './claude-blocks.ts'

/** Returns true when an element of an array, or a whole file, looks like a conversation of Claude. */
export function looksLikeClaude(value: unknown): boolean {
  return Array.isArray(asRecord(value)?.chat_messages)
}

/**
 * Reads one conversation of Claude, of the bulk export or a single one; throws Refused without
 * `chat_messages`.
 */
export function readClaude(value: unknown): Conversation {
  const source = asRecord(value)
  if (!source) throw new Refused(null, 'it is not an object')
  const given = givenId(source.uuid) ?? givenId(source.id)
  if (!Array.isArray(source.chat_messages)) {
    throw new Refused(given, 'it has no messages: its chat_messages are missing')
  }
  const model = asName(source.model)
  const drafts = readDrafts(asRecords(source.chat_messages), model)
  return {
    id: given ?? contentId(value),
    title: asName(source.name),
    created_at: readTime(source.created_at),
    updated_at: readTime(source.updated_at),
    model_name: model,
    is_archived: asBoolean(source.is_archived),
    metadata: leftover(source, TAKEN),
    ...growTree(drafts, [asName(source.current_leaf_message_uuid)]),
  }
}

const TAKEN = [
  'uuid',
  'id',
  'name',
  'created_at',
  'updated_at',
  'model',
  'is_archived',
  'chat_messages',
  'current_leaf_message_uuid',
]

/** The parent that the first messages name. */
const ROOT = '00000000-0000-4000-8000-000000000000'

/**
 * Returns the messages with their places; when none names another as its parent (older exports), one after
 * the other.
 */
function readDrafts(messages: JsonRecord[], model: string | null): Draft[] {
  const sorted = inOrder(messages)
  const ids = sorted.map((message, index) => asName(message.uuid) ?? `#${index}`)
  const known = new Set(ids)
  const parents = sorted.map((message) => asName(message.parent_message_uuid))
  const isTree = parents.some((parent) => parent !== null && known.has(parent))
  const row = inARow(ids)
  return sorted.map((message, index) => ({
    id: ids[index] ?? '',
    parents: isTree ? [parents[index] === ROOT ? null : (parents[index] ?? null)] : [row[index] ?? null],
    message: readMessage(message, model),
  }))
}

function inOrder(messages: JsonRecord[]): JsonRecord[] {
  const place = (message: JsonRecord) => asNumber(message.index)
  if (messages.some((message) => place(message) === null)) return messages
  return messages.toSorted((a, b) => (place(a) ?? 0) - (place(b) ?? 0))
}

function readMessage(message: JsonRecord, model: string | null): NonNullable<Draft['message']> {
  const { role, metadata } = readRole(message.sender ?? message.role)
  const { parts, metadata: unread } = readBlocks(message)
  return {
    role,
    hidden: role === 'system' || role === 'tool',
    parts: [...(role === 'tool' ? asToolResults(parts) : parts), ...readFiles(message)],
    model_name: role === 'assistant' ? (asName(message.model) ?? model) : null,
    created_at: readTime(message.created_at),
    metadata: { ...leftover(message, MESSAGE_TAKEN), ...unread, ...metadata },
  }
}

const MESSAGE_TAKEN = [
  'uuid',
  'parent_message_uuid',
  'sender',
  'role',
  'text',
  'content',
  'model',
  'index',
  'created_at',
  'updated_at',
  'attachments',
  'files',
  'files_v2',
]

/** Returns pasted documents with their text, and files, which newer exports list twice. */
function readFiles(message: JsonRecord): Part[] {
  const pasted = asRecords(message.attachments).map((file) =>
    attachment({
      name: asName(file.file_name) ?? asName(file.id),
      type: asName(file.file_type),
      bytes: asCount(file.file_size),
      text: asNonEmpty(file.extracted_content) ?? undefined,
    }),
  )
  const files = new Map<string, Part>()
  for (const file of [...asRecords(message.files), ...asRecords(message.files_v2)]) {
    const name = asName(file.file_name)
    const id = asName(file.file_uuid) ?? asName(file.uuid) ?? name
    if (!id || files.has(id)) continue
    const type = asName(file.mime_type) ?? asName(file.file_kind)
    const bytes = asCount(file.size_bytes) ?? asCount(file.file_size)
    files.set(id, attachment({ name: name ?? id, type, bytes }))
  }
  return [...pasted, ...files.values()]
}
