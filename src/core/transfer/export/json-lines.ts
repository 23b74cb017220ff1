import type { Connection, Value } from '../../engine/connection.ts'
import { refuseTooLong } from '../../query/longest-text.ts'
import { exactColumns, JSONL_HEADER, LINE_TABLES, type LineType, NUMBERS, writeLine } from '../jsonl.ts'
import { type ExportSelection, isWholeSelection, selectedRows } from './exported-chats.ts'
import type { ReadingOptions } from './message-blocks.ts'
import { CHATS, chatLines, longChatLines } from './message-lines.ts'
import { ahead } from './read-ahead.ts'
import { textOfBytes } from './text-of-bytes.ts'

/** Rows per read. */
const PAGE = 1000

/** Callbacks during the creation of lines, one of them for each session. */
export interface LineOptions extends ReadingOptions {
  onSession?: () => void
}

/**
 * Yields the lossless format as text and bytes: settings, agents, sessions each with its messages,
 * executions; in a fixed order.
 */
export async function* jsonLines(
  reader: Connection,
  selection: ExportSelection,
  options: LineOptions = {},
): AsyncGenerator<string | (string | Uint8Array)[]> {
  const isWhole = isWholeSelection(selection)
  yield `${JSON.stringify({ ...JSONL_HEADER, whole: isWhole })}\n`
  if (isWhole) yield* lines(reader, 'setting', 'key', options)
  const rows = isWhole ? undefined : await selectedRows(reader, selection)
  const agents = rows && (await agentsOf(reader, rows))
  yield* lines(reader, 'agent', 'id', options, agents)
  yield* ahead(sessionLines(reader, rows, options))
  if (isWhole) yield* lines(reader, 'execution', 'id', options)
}

/**
 * Yields each session with its messages in order of time, those of the same time by id: the same content
 * gives the same bytes.
 */
async function* sessionLines(
  reader: Connection,
  rows: number[] | undefined,
  options: LineOptions,
): AsyncGenerator<(string | Uint8Array)[]> {
  const query = { key: 'id', rows, more: ', t.rowid AS row' }
  for await (const page of pages<{ row: number }>(reader, 'session', query)) {
    for (let first = 0; first < page.length; first += CHATS) {
      const sessions = page.slice(first, first + CHATS)
      const found = sessions.map(({ row }) => row)
      let pieces: (string | Uint8Array)[] = []
      for (const [index, messages] of (await chatLines(reader, found, options)).entries()) {
        const session = sessions[index] as PageRow
        options.onSession?.()
        pieces.push(lineOf('session', session, options))
        if (messages) pieces.push(messages)
        else {
          yield pieces
          pieces = []
          for await (const some of longChatLines(reader, session.position, options)) yield [some]
        }
      }
      yield pieces
    }
  }
}

async function agentsOf(reader: Connection, sessions: number[]): Promise<number[]> {
  const found = await reader.all<{ row: number }>(
    `SELECT rowid AS row FROM agents WHERE id IN
       (SELECT agent_id FROM chat_sessions WHERE rowid IN (SELECT value FROM json_each(?)))`,
    [JSON.stringify(sessions)],
  )
  return found.map(({ row }) => row)
}

async function* lines(
  reader: Connection,
  type: LineType,
  key: string,
  options: ReadingOptions,
  rows?: number[],
): AsyncGenerator<string> {
  for await (const page of pages(reader, type, { key, rows }))
    yield page.map((row) => lineOf(type, row, options)).join('')
}

function lineOf(type: LineType, row: object, { onBytesFound = () => {} }: ReadingOptions): string {
  const { position, ...values } = row as PageRow
  for (const [name, value] of Object.entries(values))
    if (!NUMBERS.has(name)) refuseTooLong(value, name, LINE_TABLES[type], position)
  return writeLine(type, textOfBytes(row, onBytesFound) as Record<string, unknown>)
}

/** A row with its key as stored, whether text or not. */
type PageRow = Record<string, unknown> & { position: Value }

/** Selects the rows of a table `t` to read, and additional columns. */
interface PageQuery {
  key: string
  rows: number[] | undefined
  more?: string
}

async function* pages<T = unknown>(
  reader: Connection,
  type: LineType,
  { key, rows, more = '' }: PageQuery,
): AsyncGenerator<(PageRow & T)[]> {
  const among = rows ? 'AND t.rowid IN (SELECT value FROM json_each(?3))' : ''
  // No key is smaller than the empty text; with an OR in the condition, every page would be read from the
  // start.
  const select = `SELECT t.${key} AS position, ${exactColumns(type, 't')}${more} FROM ${LINE_TABLES[type]} t`
  const sql = (sign: string) => `${select} WHERE t.${key} ${sign} ?1 ${among} ORDER BY t.${key} LIMIT ?2`
  // SQLite lets a text key be NULL, which another program may have stored.
  const nameless = `${select} WHERE t.${key} IS NULL ${among} ORDER BY t.rowid LIMIT ?2`
  const parameters = [PAGE, ...(rows ? [JSON.stringify(rows)] : [])]
  for (let offset = 0; ; offset += PAGE) {
    const page: (PageRow & T)[] = await reader.all(`${nameless} OFFSET ?1`, [offset, ...parameters])
    if (page.length > 0) yield page
    if (page.length < PAGE) break
  }
  let last: Value = ''
  for (let sign = '>='; ; sign = '>') {
    const page: (PageRow & T)[] = await reader.all(sql(sign), [last, ...parameters])
    yield page
    if (page.length < PAGE) return
    last = page.at(-1)?.position ?? ''
  }
}
