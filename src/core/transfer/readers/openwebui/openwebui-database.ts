import type { Connection } from '../../../engine/connection.ts'
import { type Conversation, type Imported, Refused } from '../../conversation.ts'
import { columnTypes, foreignTable, hasColumns, type NumberedRow, rowsOf } from '../foreign-table.ts'
import { parseJson, storedJson } from '../json.ts'
import { asBoolean, asText } from '../values.ts'

const COLUMNS = [
  ...['id', 'user_id', 'title', 'chat', 'created_at', 'updated_at', 'share_id'],
  ...['archived', 'pinned', 'meta', 'folder_id'],
]

/** Chats per read: each is one value, which may have megabytes. */
const PAGE = 4

/** Returns true when a database is Open WebUI's. */
export function isOpenWebUiDatabase(connection: Connection): Promise<boolean> {
  return hasColumns(connection, 'chat', ['id', 'user_id', 'title', 'chat', 'created_at', 'updated_at'])
}

/**
 * Reads the chats of Open WebUI's database, of all its users, one at a time: passes each to `readChat` as the
 * object that Open WebUI's own export has for it. Copies made for sharing are left out.
 */
export async function* readOpenWebUiDatabase(
  connection: Connection,
  readChat: (value: unknown) => Conversation,
): AsyncGenerator<Imported> {
  const table = await foreignTable(connection, 'chat', COLUMNS)
  if (!table) return
  const copies = await sharedCopies(connection)
  for await (const row of rowsOf(connection, table, PAGE)) {
    const id = asText(row.id)
    if (isCopy(row, copies)) continue
    yield readRow(id, row, readChat)
  }
}

function readRow(id: string | null, row: NumberedRow, readChat: (value: unknown) => Conversation): Imported {
  const chat = parseJson(row.chat)
  if (chat == null) {
    return { kind: 'refused', refused: new Refused(id, 'the stored chat is not JSON') }
  }
  try {
    return { kind: 'conversation', conversation: readChat(asExported(row, chat)) }
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', refused: error }
    throw error
  }
}

/** Returns a row as the export file contains it. */
function asExported(row: NumberedRow, chat: unknown): Record<string, unknown> {
  const { id, user_id, title, created_at, updated_at, folder_id } = row
  return {
    id,
    user_id,
    title,
    chat,
    created_at,
    updated_at,
    archived: asBoolean(row.archived),
    pinned: asBoolean(row.pinned),
    meta: storedJson(row.meta) ?? {},
    folder_id: folder_id ?? null,
  }
}

/** Returns the ids of the rows that another row names as its shared copy. */
async function sharedCopies(connection: Connection): Promise<Set<string>> {
  const types = await columnTypes(connection, 'chat')
  if (!types.has('share_id')) return new Set()
  const rows = await connection.all<{ copy: unknown }>(
    'SELECT "share_id" AS copy FROM "chat" WHERE "share_id" IS NOT NULL AND "share_id" <> "id"',
  )
  return new Set(rows.flatMap(({ copy }) => asText(copy) ?? []))
}

/**
 * Returns true for a shared copy, which belongs to a user who does not exist, named after the chat that was
 * shared.
 */
function isCopy(row: NumberedRow, copies: ReadonlySet<string>): boolean {
  return copies.has(asText(row.id) ?? '') || (asText(row.user_id) ?? '').startsWith('shared-')
}
