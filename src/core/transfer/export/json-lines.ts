import type { Connection, Value } from '../../connection.ts'
import { exactColumns, JSONL_HEADER, LINE_TABLES, type LineType, writeLine } from '../jsonl.ts'
import { ahead } from './ahead.ts'
import { type ExportSelection, isWholeSelection, selectedRows } from './exported-chats.ts'
import {
  addRow,
  Block,
  type LineItem,
  messageSizes,
  messagesIn,
  type ReadingOptions,
  readLines,
} from './message-blocks.ts'
import { textOfBytes } from './text-of-bytes.ts'

/** Rows that are read at once: of sessions few, because the sizes of all their messages come with them. */
const PAGE = 1000
const SESSIONS = 50

/** Told while lines are made: of each session, too. */
export interface LineOptions extends ReadingOptions {
  onSession?: () => void
}

/** The lossless form as text and bytes: settings, agents, sessions each with its messages, executions; in a fixed order. */
export async function* jsonLines(
  reader: Connection,
  selection: ExportSelection,
  options: LineOptions = {},
): AsyncGenerator<string | Uint8Array> {
  const isWhole = isWholeSelection(selection)
  yield `${JSON.stringify({ ...JSONL_HEADER, whole: isWhole })}\n`
  if (isWhole) yield* lines(reader, 'setting', 'key', options)
  const rows = isWhole ? undefined : await selectedRows(reader, selection)
  const agents = rows && (await agentsOf(reader, rows))
  yield* lines(reader, 'agent', 'id', options, agents)
  yield* ahead(sessionLines(reader, rows, options))
  if (isWhole) yield* lines(reader, 'execution', 'id', options)
}

/** Each session with its messages in the order of time, those of one moment by id: the same content, the same bytes. */
async function* sessionLines(
  reader: Connection,
  rows: number[] | undefined,
  options: LineOptions,
): AsyncGenerator<Uint8Array> {
  let block = new Block<LineItem>()
  const query = { key: 'id', size: SESSIONS, rows, more: `, ${messageSizes('t.id')} AS sizes` }
  for await (const sessions of pages<{ sizes: string | null }>(reader, 'session', query)) {
    for (const session of sessions) {
      options.onSession?.()
      const line = lineOf('session', session, options)
      block.add(line, line.length)
      for (const { row, bytes, share } of messagesIn(session.sizes ?? '')) {
        addRow(block, row, bytes)
        if (!block.isFull) continue
        options.onShare?.(share, 1)
        yield readLines(reader, block.items, options)
        block = new Block()
      }
    }
  }
  yield readLines(reader, block.items, options)
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
  for await (const page of pages(reader, type, { key, size: PAGE, rows }))
    yield page.map((row) => lineOf(type, row, options)).join('')
}

function lineOf(type: LineType, row: object, { onBytesFound = () => {} }: ReadingOptions): string {
  return writeLine(type, { ...textOfBytes(row, onBytesFound) })
}

/** A row with its key as it is stored, be it text or not. */
type PageRow = Record<string, unknown> & { position: Value }

/** Which rows to read of a table `t`, so many at once, and which columns more. */
interface PageQuery {
  key: string
  size: number
  rows: number[] | undefined
  more?: string
}

async function* pages<T = unknown>(
  reader: Connection,
  type: LineType,
  { key, size, rows, more = '' }: PageQuery,
): AsyncGenerator<(PageRow & T)[]> {
  const among = rows ? 'AND t.rowid IN (SELECT value FROM json_each(?3))' : ''
  // No key is smaller than the empty text; an OR in the condition would have every page read from the start.
  const sql = (sign: string) =>
    `SELECT t.${key} AS position, ${exactColumns(type, 't')}${more} FROM ${LINE_TABLES[type]} t
     WHERE t.${key} ${sign} ?1 ${among} ORDER BY t.${key} LIMIT ?2`
  let last: Value = ''
  for (let sign = '>='; ; sign = '>') {
    const page: (PageRow & T)[] = await reader.all(sql(sign), [
      last,
      size,
      ...(rows ? [JSON.stringify(rows)] : []),
    ])
    yield page
    if (page.length < size) return
    last = page.at(-1)?.position ?? ''
  }
}
