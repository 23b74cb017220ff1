import type { Connection } from '../../../engine/connection.ts'
import type { ConversationNode, Part } from '../../conversation.ts'
import { attachment } from '../attachments.ts'
import { foreignTable, type NumberedRow, RowGroups } from '../foreign-table.ts'
import { parseJson, storedJson } from '../json.ts'
import { reasoningParts, textParts, toolCall } from '../parts.ts'
import { readRole } from '../roles.ts'
import { asName, asNumber, asRecord, asRecords, asText } from '../values.ts'
import type { LlmStore } from './llm-attachments.ts'
import { answerOf } from './llm-turns.ts'

const PART_COLUMNS = [
  ...['id', 'message_hash', 'position', 'type', 'tool_name', 'text', 'payload'],
  // Of the versions before the release, which had no payload.
  ...['name', 'arguments', 'output', 'exception', 'fragment_id'],
]

/** A message of llm's newest tables: identified by the hash of its content and of the message before it. */
export interface StoredMessage {
  hash: string
  parent: string | null
  role: ConversationNode['role']
  hidden: boolean
  parts: Part[]
  metadata: Record<string, unknown>
}

// UNION returns each row once, which ends a cycle.
const PATH = `WITH RECURSIVE path (hash, parent, role) AS (
    SELECT "hash", "parent_hash", "role" FROM "messages" WHERE "hash" = ?
    UNION SELECT m."hash", m."parent_hash", m."role" FROM "messages" AS m JOIN path ON m."hash" = path.parent)
  SELECT hash, parent, role FROM path`

/** The messages of llm's newest tables. */
export class Messages {
  readonly #connection: Connection
  readonly #store: LlmStore
  readonly #parts: RowGroups

  private constructor(connection: Connection, store: LlmStore, parts: RowGroups) {
    this.#connection = connection
    this.#store = store
    this.#parts = parts
  }

  /** Collects which parts belong to which message. */
  static async make(connection: Connection, store: LlmStore): Promise<Messages> {
    const table = await foreignTable(connection, 'parts', PART_COLUMNS)
    const parts = await RowGroups.make(connection, table, ['message_hash'], (row) => row.message_hash)
    return new Messages(connection, store, parts)
  }

  /**
   * Returns the messages that lead to one, the first one first, without those that are `known` and their
   * predecessors.
   */
  async pathTo(tip: string | null, known: ReadonlySet<string>): Promise<StoredMessage[]> {
    if (tip === null || known.has(tip)) return []
    const rows = await this.#connection.all<{ hash: string; parent: string | null; role: string | null }>(
      PATH,
      [tip],
    )
    const byHash = new Map(rows.map((row) => [row.hash, row]))
    const path: typeof rows = []
    for (let row = byHash.get(tip); row && !known.has(row.hash); row = byHash.get(row.parent ?? '')) {
      path.push(row)
      // Each is used once, so that a cycle ends.
      byHash.delete(row.hash)
    }
    const parts = new Map<unknown, NumberedRow[]>(path.map(({ hash }) => [hash, []]))
    for (const row of await this.#parts.of(...parts.keys())) parts.get(row.message_hash)?.push(row)
    const messages: StoredMessage[] = []
    for (const { hash, parent, role } of path.reverse()) {
      messages.push(await this.#message({ hash, parent, role }, parts.get(hash) ?? []))
    }
    return messages
  }

  async #message(
    { hash, parent, role: stored }: { hash: string; parent: string | null; role: string | null },
    rows: NumberedRow[],
  ): Promise<StoredMessage> {
    rows.sort((one, other) => (asNumber(one.position) ?? 0) - (asNumber(other.position) ?? 0))
    const parts: Part[] = []
    for (const row of rows) parts.push(...(await this.#part(row)))
    const { role, metadata } = readRole(stored)
    // The results of tools are sent as if the user had said them.
    const isResult = role === 'user' && parts[0]?.kind === 'tool_result'
    return {
      hash,
      parent,
      role: isResult ? 'tool' : role,
      hidden: isResult || role === 'tool',
      parts,
      metadata,
    }
  }

  async #part(row: NumberedRow): Promise<Part[]> {
    const payload = asRecord(parseJson(row.payload)) ?? {}
    const attachments = await this.#store.attachments('part_attachments', row.id)
    const name = asName(row.tool_name) ?? asName(row.name) ?? asName(payload.name)
    const text = await this.#text(row, payload)
    switch (row.type) {
      case 'tool_call':
        return [toolCall(name, payload.arguments ?? storedJson(row.arguments))]
      case 'tool_result': {
        const output = payload.output ?? asText(row.output) ?? text
        return [answerOf(name, output, row.exception ?? payload.exception), ...attachments]
      }
      case 'attachment':
        return attachments.length > 0 ? attachments : [unknownAttachment(payload)]
      case 'reasoning':
        return [...reasoningParts(text), ...attachments]
      default:
        return [...textParts(text), ...attachments]
    }
  }

  /** Returns the text of a part, with borrowed fragments inserted at their places. */
  async #text(row: NumberedRow, payload: Record<string, unknown>): Promise<string | null> {
    const text = asText(row.text) ?? asText(payload.text)
    if (text !== null) return text
    if (row.fragment_id != null) return this.#store.fragment(row.fragment_id)
    if (!Array.isArray(payload.text_ref)) return null
    let whole = ''
    for (const piece of asRecords(payload.text_ref)) {
      whole += asText(piece.literal) ?? (await this.#store.fragment(piece.fragment)) ?? ''
    }
    return whole
  }
}

/** Creates an attachment whose row no longer exists from what the payload still has of it. */
function unknownAttachment(payload: Record<string, unknown>): Part {
  const inner = asRecord(payload.attachment) ?? payload
  const id = asName(inner.id) ?? asName(inner.attachment_id) ?? asName(payload.attachment)
  const sha256 = id && /^[0-9a-f]{64}$/.test(id) && inner.url == null ? id : null
  return attachment({ type: asName(inner.type), sha256 })
}
