import type { Connection } from '../connection.ts'
import type { Conversation } from './conversation.ts'
import { foreignTable, type NumberedRow, ROW, RowGroups } from './foreign-table.ts'
import { linkTurns, type Turn, turnOf } from './llm-turns.ts'
import { filledTextOf, textOf, textParts } from './source-value.ts'
import { spanOf } from './times.ts'

const COLUMNS = [
  ...['id', 'model', 'prompt', 'system', 'options_json', 'response', 'reply_to_id', 'chat_id'],
  ...['duration_ms', 'datetime_utc', 'timestamp'],
]

/**
 * The chats of llm's oldest table, `logs` and before that `log`, which newer versions leave as it is. Rows name the first
 * row of their chat, or the row that they answer; their numbers are not unique, so the first time is part of the id.
 */
export async function* logConversations(connection: Connection): AsyncGenerator<Conversation> {
  for (const name of ['logs', 'log']) {
    const table = await foreignTable(connection, name, COLUMNS)
    if (!table?.columns.includes('prompt') || !table.columns.includes('response')) continue
    const chats = new Map<string, string>()
    const groups = await RowGroups.make(connection, table, ['id', 'reply_to_id', 'chat_id'], (row) => {
      const id = idOf(row)
      const chat = textOf(row.chat_id) ?? chats.get(textOf(row.reply_to_id) ?? '') ?? id
      // A chat may be named after a row that belongs to another one.
      const root = chats.get(chat) ?? chat
      chats.set(id, root)
      return root
    })
    for (const key of groups.keys()) {
      const rows = await groups.of(key)
      yield conversationOf(`logs/${key}`, rows.map(rowTurn), rows[0])
    }
  }
}

/** The oldest rows have no id but the number of the row. */
function idOf(row: NumberedRow): string {
  return textOf(row.id) ?? String(row[ROW])
}

function rowTurn(row: NumberedRow): Turn {
  return turnOf(idOf(row), row, {
    system: filledTextOf(row.system),
    asked: textParts(row.prompt),
    results: [],
    replied: textParts(row.response),
  })
}

function conversationOf(id: string, turns: readonly Turn[], first?: NumberedRow): Conversation {
  const nodes = linkTurns(turns)
  const began = textOf(first?.datetime_utc ?? first?.timestamp)
  return {
    id: began === null ? id : `${id}@${began}`,
    title: null,
    ...spanOf(turns.map(({ time }) => time)),
    model_name: turns[0]?.model ?? null,
    is_archived: false,
    metadata: {},
    nodes,
    current: nodes.at(-1)?.id ?? null,
  }
}
