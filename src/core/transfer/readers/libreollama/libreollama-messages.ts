import type { Connection, Row } from '../../../engine/connection.ts'
import { foreignTable, ROW, RowGroups } from '../foreign-table.ts'
import { storedMetadata } from '../json.ts'
import { readRole } from '../roles.ts'
import type { LooseNode } from '../tree.ts'
import { asBoolean, asNonBlank, asNumber, asText, compareTexts, present } from '../values.ts'
import type { Era, EraClock } from './libreollama-era.ts'

/** The columns of a message to read, of all eras. */
export const MESSAGE_COLUMNS = [
  ...['id', 'session_id', 'role', 'content', 'model_name', 'created_at', 'metadata'],
  ...['response_time_ms', 'token_count', 'cached'],
]

/** The facts that decide how messages are read. */
export interface MessageSource {
  era: Era
  clock: EraClock
}

/** Returns the messages of one of LibreOllama's tables, by chat. */
export async function messagesOf(connection: Connection, name: string): Promise<RowGroups> {
  const table = await foreignTable(connection, name, MESSAGE_COLUMNS)
  return RowGroups.make(connection, table, ['session_id'], (row) => row.session_id)
}

/**
 * Returns the messages sorted by time, since era A's ids are random; rows without a time stay behind the one
 * they were stored after.
 */
export async function byTime(source: MessageSource, messages: RowGroups, id: string): Promise<LooseNode[]> {
  let last = ''
  const timed = (await messages.of(id)).map((row) => {
    const node = nodeOf(row, source, row[ROW])
    last = node.created_at ?? last
    return { node, at: last }
  })
  return timed.sort((one, other) => compareTexts(one.at, other.at)).map(({ node }) => node)
}

/**
 * Returns the messages sorted by number, since later eras number them as they are said; their two tables are
 * merged by time.
 */
export async function byNumber(
  source: MessageSource,
  messages: RowGroups,
  others: RowGroups | undefined,
  id: string,
): Promise<LooseNode[]> {
  const first = (await messages.of(id)).map((row) => nodeOf(row, source, row[ROW]))
  const second = ((await others?.of(id)) ?? []).map((row) => nodeOf(row, source, row[ROW], 'messages/'))
  const merged: LooseNode[] = []
  for (const node of first) {
    while (second[0]?.created_at && node.created_at && second[0].created_at < node.created_at) {
      merged.push(...second.splice(0, 1))
    }
    merged.push(node)
  }
  return [...merged, ...second]
}

/** Converts a message as stored, in a table or in an export; `place` identifies one without an id. */
export function nodeOf(row: Row, { era, clock }: MessageSource, place: number, prefix = ''): LooseNode {
  const { role, metadata } = readRole(row.role)
  const tokens = asNumber(row.token_count) ?? 0
  return {
    id: prefix + (asText(row.id) ?? `row ${place}`),
    role,
    hidden: role === 'tool',
    // An empty message is still a message: what is stored stays.
    parts: [{ kind: 'text', text: asText(row.content) ?? '' }],
    model_name: asNonBlank(row.model_name),
    created_at: clock.read(row.created_at),
    metadata: {
      ...storedMetadata(row.metadata),
      ...metadata,
      ...(row.token_count != null && (era === 'A' || tokens > 0) ? { token_count: tokens } : {}),
      ...present({
        response_time_ms: asNumber(row.response_time_ms),
        cached: asBoolean(row.cached) || null,
      }),
    },
  }
}
