import type { Connection } from '../engine/connection.ts'
import { refuseIgnored } from '../schema/ignored-changes.ts'
import { formatTimestamp } from '../timestamp.ts'
import { type ChatMessage, message } from './entities/message.ts'
import type { EntityRow } from './entity.ts'
import { createRecords } from './repository.ts'

/** Adds messages, all or none; the chats they are said in have changed with that. Throws INVALID. */
export async function createMessages(
  writer: Connection,
  inputs: readonly EntityRow[],
  now: Date,
): Promise<ChatMessage[]> {
  const rows = await createRecords(writer, message, inputs, now)
  const sessions = [...new Set(rows.map(({ session_id }) => session_id))]
  const changed = await writer.run(
    'UPDATE chat_sessions SET updated_at = ? WHERE id IN (SELECT value FROM json_each(?))',
    [formatTimestamp(now), JSON.stringify(sessions)],
  )
  await refuseIgnored(writer, 'chat_sessions', 'update', { changed, meant: sessions.length })
  return rows
}
