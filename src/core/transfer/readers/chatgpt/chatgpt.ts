import { type Conversation, Refused } from '../../conversation.ts'
import { contentId, givenId } from '../../ids.ts'
import { type Draft, growTree, type Message } from '../grow-tree.ts'
import { readRole } from '../roles.ts'
import { readTime } from '../times.ts'
import { lastModel, parentsByChildren } from '../tree.ts'
import { asArray, asBoolean, asName, asRecord, type JsonRecord, leftover, present } from '../values.ts'
import { readContent } from './chatgpt-content.ts'
import { readReferences } from './citations.ts'

/** Returns true when an element of an array looks like a conversation of ChatGPT's export. */
export function looksLikeChatGPT(value: unknown): boolean {
  const conversation = asRecord(value)
  if (!conversation) return false
  return 'mapping' in conversation || ('current_node' in conversation && 'create_time' in conversation)
}

/**
 * Reads one conversation of ChatGPT's export, in its full or its slim form; throws Refused without a
 * `mapping`.
 */
export function readChatGPT(value: unknown): Conversation {
  const source = asRecord(value)
  if (!source) throw new Refused(null, 'it is not an object')
  const given = givenId(source.conversation_id) ?? givenId(source.id)
  const mapping = asRecord(source.mapping)
  if (!mapping) throw new Refused(given, 'it has no messages: its mapping is missing')
  const usual = asName(source.default_model_slug)
  // The actual model is chosen for each message.
  const model = usual === 'auto' ? null : usual
  const tree = growTree(readDrafts(mapping, model), [asName(source.current_node)])
  return {
    id: given ?? contentId(value),
    title: asName(source.title),
    created_at: readTime(source.create_time),
    updated_at: readTime(source.update_time),
    model_name: model ?? lastModel(tree),
    is_archived: asBoolean(source.is_archived),
    metadata: leftover(source, TAKEN),
    ...tree,
  }
}

const TAKEN = [
  'id',
  'conversation_id',
  'title',
  'create_time',
  'update_time',
  'mapping',
  'current_node',
  'default_model_slug',
  'is_archived',
]

function readDrafts(mapping: JsonRecord, model: string | null): Draft[] {
  const nodes = Object.entries(mapping).map(([id, node]) => [id, asRecord(node) ?? {}] as const)
  const byChildren = parentsByChildren(nodes.map(([id, node]) => [id, asArray(node.children)]))
  return nodes.map(([id, node]) => {
    const message = asRecord(node.message)
    return {
      id,
      parents: [asName(node.parent), byChildren.get(id) ?? null],
      message: message && readMessage(message, id, model),
    }
  })
}

function readMessage(message: JsonRecord, id: string, model: string | null): Message {
  const author = asRecord(message.author) ?? {}
  const details = asRecord(message.metadata) ?? {}
  const { role, metadata: source } = isContext(message) ? contextRole(author.role) : readRole(author.role)
  const to = asName(message.recipient)
  const recipient = role !== 'assistant' || to === 'all' ? null : to
  const name = asName(author.name)
  const { parts, metadata } = readContent(message, { role, name, recipient })
  const references = readReferences(details)
  const silent = role === 'system' || (role === 'tool' && !parts.some(({ kind }) => kind === 'attachment'))
  return {
    role,
    hidden: silent || recipient !== null || asBoolean(details.is_visually_hidden_from_conversation),
    parts,
    model_name: role === 'assistant' ? (asName(details.model_slug) ?? model) : null,
    created_at: readTime(message.create_time),
    metadata: {
      ...present({
        recipient: to === 'all' ? null : to,
        author_name: name,
        channel: message.channel,
        references,
      }),
      ...(message.status !== 'finished_successfully' && present({ status: message.status })),
      ...(asName(message.id) !== id && present({ message_id: message.id })),
      ...present({ details: leftover(details, PLUMBING) }),
      ...metadata,
      ...source,
    },
  }
}

/** Returns true for custom instructions and memories, which are stored as if the user had said them. */
function isContext(message: JsonRecord): boolean {
  const type = asName(asRecord(message.content)?.content_type)
  return type === 'user_editable_context' || type === 'model_editable_context'
}

function contextRole(given: unknown): ReturnType<typeof readRole> {
  const name = asName(given)
  return { role: 'system', metadata: name && name !== 'system' ? { source_role: name } : {} }
}

/** Metadata of a message about the service, not the message, and metadata that is read elsewhere. */
const PLUMBING = [
  '_cite_metadata',
  'attachments',
  'citations',
  'content_references',
  'default_model_slug',
  'is_complete',
  'is_visually_hidden_from_conversation',
  'message_type',
  'model_slug',
  'parent_id',
  'request_id',
  'timestamp_',
  'turn_exchange_id',
]
