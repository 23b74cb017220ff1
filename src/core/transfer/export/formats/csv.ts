import type { ExportedChat } from '../exported-chats.ts'
import type { ChatFormat } from './export-format.ts'

/**
 * One row per message, following RFC 4180: CRLF between rows, quotes where needed, also for programs that use
 * ; or tab to separate cells, no byte order mark. A chat without messages has no row. A cell that a
 * spreadsheet would read as a formula, one that begins with = + - @ (also their full-width forms), tab, CR or
 * LF, gets a ' in front; so does one that begins with ' before one of these, so that removing one ' restores
 * the original text. NUL, which no reader accepts, becomes U+FFFD.
 */
export const csv: ChatFormat = { name: 'csv', extension: 'csv', write }

const HEADER = ['session_id', 'session_title', 'message_id', 'role', 'model_name', 'created_at', 'content']

async function* write(chats: AsyncIterable<ExportedChat>): AsyncGenerator<string> {
  yield csvRow(HEADER)
  for await (const { session, messages } of chats) {
    for await (const { id, role, model_name, created_at, content } of messages) {
      yield csvRow([session.id, session.title, id, role, model_name, created_at, content])
    }
  }
}

function csvRow(cells: readonly (string | null)[]): string {
  return `${cells.map((cell) => csvCell(cell ?? '')).join(',')}\r\n`
}

const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/

function csvCell(text: string): string {
  const cell = (FORMULA.test(text) ? `'${text}` : text).replaceAll('\0', '\ufffd')
  return /[",;\t\r\n\u0085\u2028\u2029]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
