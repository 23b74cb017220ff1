import { type Conversation, Refused } from '../../conversation.ts'
import { contentId, givenId } from '../../ids.ts'
import type { LooseNode } from '../tree.ts'
import { asRecord, asRecords, asText, type JsonRecord, leftover, present } from '../values.ts'
import { type Era, eraClock, eraId } from './libreollama-era.ts'
import { MESSAGE_COLUMNS, nodeOf } from './libreollama-messages.ts'
import { beginningOf, conversationOf, SESSION_COLUMNS } from './libreollama-sessions.ts'

/** Returns true when a value looks like a chat that LibreOllama exported itself ("3.3.0"). */
export function looksLikeLibreOllamaExport(value: unknown): boolean {
  const source = asRecord(value)
  if (!source || asRecord(source.session) === null || !Array.isArray(source.messages)) return false
  return 'export_version' in source || 'export_timestamp' in source
}

/**
 * Reads a chat that LibreOllama exported itself, under the ids that it has in a database; throws Refused
 * without a session or messages. Times without a zone are in `timeZone`, by default the zone of this machine,
 * except those that SQLite wrote.
 */
export function readLibreOllamaExport(value: unknown, timeZone = hostZone()): Conversation {
  const source = asRecord(value)
  const session = asRecord(source?.session)
  const id = givenId(session?.id)
  if (!source || !session) throw new Refused(id, 'it has no session')
  if (!Array.isArray(source.messages)) throw new Refused(id, 'it has no messages')
  const era = eraOf(session)
  const how = { era, clock: eraClock(era, timeZone), timeZone, agents: new Map() }
  const stored = asRecords(source.messages).map(asStored)
  const seen = new Set<string>()
  const nodes = stored.map((message, place): LooseNode => {
    const node = nodeOf(message, how, place)
    const unique = seen.has(node.id) ? `${node.id}#${place}` : node.id
    seen.add(unique)
    return { ...node, id: unique, metadata: { ...leftover(message, MESSAGE_COLUMNS), ...node.metadata } }
  })
  const row = asStored(session)
  const given = id && eraId(era, id, asText(row.created_at), beginningOf(stored[0]))
  const conversation = conversationOf(how, row, given || contentId(value), nodes)
  const { context, export_version } = source
  return {
    ...conversation,
    metadata: {
      ...leftover(session, SESSION_TAKEN),
      ...present({ context, export_version }),
      ...conversation.metadata,
    },
  }
}

const hostZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone

/** An agent is not exported with its chats, so its id is only kept in the metadata. */
const SESSION_TAKEN = SESSION_COLUMNS.filter((name) => name !== 'agent_id')

/**
 * Detects the era: the first form had UUIDs; later ones the columns of their databases, of which the last had
 * a model.
 */
function eraOf(session: JsonRecord): Era {
  if (typeof session.id === 'string' && !/^\d+$/.test(session.id) && !('session_name' in session)) return 'A'
  return 'model_id' in session ? 'E' : 'D'
}

/**
 * Returns a record as its table stores it: ids are derived from times as stored there, with a blank in the
 * middle.
 */
function asStored(record: JsonRecord): JsonRecord {
  const created_at = asText(record.created_at)?.replace(/^(\d{4}-\d\d-\d\d)T/, '$1 ') ?? null
  return { ...record, created_at }
}
