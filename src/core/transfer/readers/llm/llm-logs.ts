import type { Connection } from '../../../engine/connection.ts'
import type { Conversation } from '../../conversation.ts'
import { foreignTable, type NumberedRow, ROW, RowGroups } from '../foreign-table.ts'
import { textParts } from '../parts.ts'
import { asNonBlank, asText } from '../values.ts'
import { conversationOf, type Turn, turnOf } from './llm-turns.ts'

const COLUMNS = [
  ...['id', 'model', 'prompt', 'system', 'options_json', 'response', 'reply_to_id', 'chat_id'],
  ...['duration_ms', 'datetime_utc', 'timestamp'],
]

/**
 * Yields the chats of llm's oldest table, `logs` and before that `log`, which newer versions leave unchanged.
 * Rows name the first row of their chat, or the row that they answer; their numbers are not unique, so the
 * first time is part of the id.
 */
export async function* logConversations(connection: Connection): AsyncGenerator<Conversation> {
  for (const name of ['logs', 'log']) {
    const table = await foreignTable(connection, name, COLUMNS)
    if (!table?.columns.includes('prompt') || !table.columns.includes('response')) continue
    const chats = new Map<string, string>()
    const groups = await RowGroups.make(connection, table, ['id', 'reply_to_id', 'chat_id'], (row) => {
      const id = idOf(row)
      const chat = asText(row.chat_id) ?? chats.get(asText(row.reply_to_id) ?? '') ?? id
      // A chat may be named after a row that belongs to another one.
      const root = chats.get(chat) ?? chat
      chats.set(id, root)
      return root
    })
    for (const key of groups.keys()) {
      const rows = await groups.of(key)
      const began = asText(rows[0]?.datetime_utc ?? rows[0]?.timestamp)
      yield conversationOf(`logs/${key}${began === null ? '' : `@${began}`}`, rows.map(rowTurn))
    }
  }
}

/** Returns the id of a row; the oldest rows have none but their rowid. */
function idOf(row: NumberedRow): string {
  return asText(row.id) ?? String(row[ROW])
}

function rowTurn(row: NumberedRow): Turn {
  return turnOf(idOf(row), row, {
    system: asNonBlank(row.system),
    asked: textParts(row.prompt),
    results: [],
    replied: textParts(row.response),
  })
}
