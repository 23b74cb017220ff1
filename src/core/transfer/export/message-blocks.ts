import { isUtf8 } from 'node:buffer'
import type { Connection, Value } from '../../connection.ts'
import { isEngineError } from '../../engine-errors.ts'
import { message as messageEntity } from '../../entities/message.ts'
import { selectColumns } from '../../entity.ts'
import type { ChatMessage } from '../../models.ts'
import { decodeRow } from '../../record.ts'
import { ANY_MESSAGE_LINE, LINE_COLUMNS, MESSAGE_LINE } from '../jsonl.ts'
import { textOfBytes } from './text-of-bytes.ts'

/** Bytes that are read at once, about. */
const BLOCK = 512 * 1024
/** What a message takes beside its text. */
const OVERHEAD = 300

/** What is to be read at once: however long messages are, no more than fits, or a single one. */
export class Block<T> {
  readonly items: T[] = []
  #bytes = 0

  add(item: T, bytes: number): void {
    this.items.push(item)
    this.grow(bytes)
  }

  /** What was added last takes so many bytes more. */
  grow(bytes: number): void {
    this.#bytes += bytes
  }

  get isFull(): boolean {
    return this.#bytes >= BLOCK
  }
}

/** A line that is given, or messages by their row numbers, the first and the last of some that follow each other. */
export type LineItem = string | [first: number, last: number]

/** Adds a message to a block of lines: rows that follow each other are read as one piece. */
export function addRow(block: Block<LineItem>, row: number, bytes: number): void {
  const before = block.items.at(-1)
  if (typeof before === 'object' && before[1] === row - 1) {
    before[1] = row
    block.grow(bytes)
  } else block.add([row, row], bytes)
}

/**
 * The messages of the session with an id, both expressions of SQL, as text in their order: for each its row number, which stays the same
 * within a transaction, and about how many bytes it has. A long chat is sorted once, not for each block of it, and a
 * million messages take little room as text.
 */
export const messageSizes = (id: string) => `(SELECT group_concat(
    m.rowid || ' ' || (${OVERHEAD} + octet_length(m.content) + coalesce(octet_length(m.metadata), 0)), ','
    ORDER BY m.created_at, m.id)
  FROM chat_messages m WHERE m.session_id = ${id})`

/** Each message of such a text: its row, its bytes, and which share of them all ends with it. */
export function* messagesIn(sizes: string): Generator<{ row: number; bytes: number; share: number }> {
  for (let at = 0; at < sizes.length; ) {
    const space = sizes.indexOf(' ', at)
    const comma = sizes.indexOf(',', space)
    const end = comma < 0 ? sizes.length : comma
    const [row, bytes] = [Number(sizes.slice(at, space)), Number(sizes.slice(space, end))]
    yield { row, bytes, share: end / sizes.length }
    at = end + 1
  }
}

/** Told while messages are read. */
export interface ReadingOptions {
  /** How much of the messages has been read, from 0 to 1, in the reading with this number. */
  onShare?: (share: number, reading: number) => void
  /** Called for a row that had bytes where text belongs. */
  onBytesFound?: () => void
}

/** The messages of one session in their order, read a block at a time whenever they are asked for. */
export class StoredMessages implements AsyncIterable<ChatMessage> {
  readonly #reader: Connection
  readonly #session: Value
  readonly #options: ReadingOptions
  #sizes: string | undefined
  /** Those of a chat that is one block stay, so that reading them again costs nothing. */
  #all: ChatMessage[] | undefined
  #readings = 0

  constructor(reader: Connection, session: Value, options: ReadingOptions) {
    this.#reader = reader
    this.#session = session
    this.#options = options
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ChatMessage> {
    if (this.#all) return yield* this.#all
    this.#sizes ??= await this.#list()
    const reading = ++this.#readings
    const first = new Block<number>()
    let block = first
    for (const { row, bytes, share } of messagesIn(this.#sizes)) {
      block.add(row, bytes)
      if (!block.isFull && share < 1) continue
      const messages = await this.#read(block.items, reading)
      if (block === first && share === 1) this.#all = messages
      this.#options.onShare?.(share, reading)
      yield* messages
      block = new Block()
    }
  }

  async #list(): Promise<string> {
    const found = await this.#reader.get<{ sizes: string | null }>(`SELECT ${messageSizes('?')} AS sizes`, [
      this.#session,
    ])
    return found?.sizes ?? ''
  }

  async #read(rows: readonly number[], reading: number): Promise<ChatMessage[]> {
    const found = await this.#reader.all(
      `SELECT ${selectColumns(messageEntity, 'm')} FROM json_each(?) j JOIN chat_messages m ON m.rowid = j.value ORDER BY j.key`,
      [JSON.stringify(rows)],
    )
    const onFound = () => {
      if (reading === 1) this.#options.onBytesFound?.()
    }
    return found.map((row) => decodeRow(messageEntity, textOfBytes(row, onFound)) as unknown as ChatMessage)
  }
}

/** Lines that are given, and those of the messages in the given rows, one after the other as UTF-8. */
export async function readLines(
  reader: Connection,
  items: readonly LineItem[],
  { onBytesFound = () => {} }: ReadingOptions,
): Promise<Uint8Array> {
  const rows = JSON.stringify(items)
  const lines = await linesBy(MESSAGE_LINE, reader, rows).catch(async (error) => {
    // A row with bytes where text belongs; any other failure comes again.
    if (!isEngineError(error) || error.code !== 'SQLITE_ERROR') throw error
    for (let found = await countBytes(reader, rows); found > 0; found--) onBytesFound()
    return linesBy(ANY_MESSAGE_LINE, reader, rows)
  })
  // Another program may have stored text that is not UTF-8; it comes out with U+FFFD, as everywhere else.
  return isUtf8(lines) ? lines : Buffer.from(lines.toString('utf8'))
}

/** A given line may be JSON too, which is not to be looked into. */
const end = (index: 0 | 1) => `CASE j.type WHEN 'array' THEN j.value ->> ${index} END`
const LISTED = `json_each(?) j LEFT JOIN chat_messages m ON m.rowid BETWEEN ${end(0)} AND ${end(1)}`

async function linesBy(line: string, reader: Connection, rows: string): Promise<Buffer> {
  const found = await reader.get<{ lines: Buffer | null }>(
    `SELECT CAST(group_concat(CASE WHEN m.rowid IS NULL THEN j.value ELSE ${line} END, '') AS BLOB) AS lines FROM ${LISTED}`,
    [rows],
  )
  return found?.lines ?? Buffer.alloc(0)
}

async function countBytes(reader: Connection, rows: string): Promise<number> {
  const isBytes = LINE_COLUMNS.message.map((name) => `typeof(m.${name}) = 'blob'`).join(' OR ')
  const found = await reader.get<{ n: number }>(`SELECT sum(${isBytes}) AS n FROM ${LISTED}`, [rows])
  return found?.n ?? 0
}
