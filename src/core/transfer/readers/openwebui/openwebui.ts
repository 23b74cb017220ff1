import { type Conversation, Refused } from '../../conversation.ts'
import { contentId, givenId } from '../../ids.ts'
import { type Draft, growTree, type Message } from '../grow-tree.ts'
import { parseJson } from '../json.ts'
import { readRole } from '../roles.ts'
import { readTime } from '../times.ts'
import { inARow, lastModel, parentsByChildren } from '../tree.ts'
import {
  asArray,
  asBoolean,
  asName,
  asRecord,
  asRecords,
  asText,
  type JsonRecord,
  leftover,
} from '../values.ts'
import { readParts } from './openwebui-content.ts'

/**
 * Returns true when an element of an array looks like a chat of Open WebUI, in its own wrapping or (older)
 * without.
 */
export function looksLikeOpenWebUI(value: unknown): boolean {
  const outer = asRecord(value)
  if (!outer || 'mapping' in outer) return false
  const chat = asRecord(parseJson(outer.chat))
  if (chat) return asRecord(chat.history) !== null || Array.isArray(chat.messages)
  if (asRecord(asRecord(outer.history)?.messages) !== null) return true
  return Array.isArray(outer.messages) && isFlat(outer, outer.messages)
}

/**
 * Returns true when a list of messages is a chat of the first versions, which had no history; other programs
 * have such lists too.
 */
function isFlat(chat: JsonRecord, messages: unknown[]): boolean {
  const first = asRecord(messages[0])
  if (!first) return messages.length === 0 && Array.isArray(chat.models)
  const named = asName(first.role) !== null && asText(first.content) !== null
  return (
    named &&
    (Array.isArray(chat.models) || 'timestamp' in chat || 'parentId' in first || 'timestamp' in first)
  )
}

/**
 * Reads one chat of Open WebUI's export, or a row of its table `chat`; throws Refused without any list of
 * messages.
 */
export function readOpenWebUI(value: unknown): Conversation {
  const outer = asRecord(value)
  if (!outer) throw new Refused(null, 'it is not an object')
  // Older exports have no wrapping; in a database the inner object is text.
  const chat = asRecord(parseJson(outer.chat)) ?? outer
  const id = givenId(outer.id) ?? givenId(chat.id)
  const history = asRecord(chat.history)
  const flat = asRecords(chat.messages)
  const branching = readBranching(history?.messages)
  if (!asRecord(history?.messages) && !Array.isArray(history?.messages) && !Array.isArray(chat.messages)) {
    throw new Refused(id, 'it has no messages: neither a history nor a list')
  }
  const tree = growTree(branching.some(({ message }) => message) ? branching : readFlat(flat), [
    asName(history?.currentId),
    asName(flat.at(-1)?.id),
    asName(outer.current_message_id),
  ])
  return {
    id: id ?? contentId(value),
    title: asName(outer.title) ?? asName(chat.title),
    created_at: readTime(outer.created_at) ?? readTime(chat.timestamp),
    updated_at: readTime(outer.updated_at),
    model_name:
      lastModel(tree) ??
      asArray(chat.models)
        .map(asName)
        .find((model) => model !== null) ??
      null,
    is_archived: asBoolean(outer.archived),
    metadata: { ...leftover(chat, TAKEN), ...leftover(outer, TAKEN) },
    ...tree,
  }
}

const TAKEN = [
  'id',
  'title',
  'chat',
  'history',
  'messages',
  'timestamp',
  'created_at',
  'updated_at',
  'archived',
  'current_message_id',
]

/** Builds the tree. Lists of children help when a parent is missing, since either side may be damaged. */
function readBranching(messages: unknown): Draft[] {
  const entries = Array.isArray(messages)
    ? asRecords(messages).map((message, index): [string, JsonRecord] => [
        asName(message.id) ?? `#${index}`,
        message,
      ])
    : Object.entries(asRecord(messages) ?? {}).map(([id, message]): [string, unknown] => [id, message])
  const byChildren = parentsByChildren(
    entries.map(([id, message]) => [id, asArray(asRecord(message)?.childrenIds)]),
  )
  return entries.map(([id, value]) => {
    const message = asRecord(value)
    return {
      id,
      parents: [asName(message?.parentId), byChildren.get(id) ?? null],
      message: message && readMessage(message),
    }
  })
}

function readFlat(messages: JsonRecord[]): Draft[] {
  const ids = messages.map((message, index) => asName(message.id) ?? `#${index}`)
  const row = inARow(ids)
  return messages.map((message, index) => ({
    id: ids[index] ?? '',
    parents: [asName(message.parentId), row[index] ?? null],
    message: readMessage(message),
  }))
}

function readMessage(message: JsonRecord): Message {
  const { role, metadata } = readRole(message.role)
  return {
    role,
    hidden: role === 'system' || role === 'tool' || asBoolean(asRecord(message.meta)?.internal),
    parts: readParts(message, role),
    model_name: role === 'assistant' ? (asName(message.model) ?? asName(message.modelName)) : null,
    created_at: readTime(message.timestamp),
    metadata: { ...leftover(message, MESSAGE_TAKEN), ...metadata },
  }
}

const MESSAGE_TAKEN = [
  'id',
  'parentId',
  'childrenIds',
  'role',
  'content',
  'output',
  'files',
  'model',
  'timestamp',
  'done',
]
