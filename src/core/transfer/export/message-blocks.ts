import type { Connection, Value } from '../../engine/connection.ts'
import type { ChatMessage } from '../../records/entities/message.ts'
import { message as messageEntity } from '../../records/entities/message.ts'
import { selectColumns } from '../../records/entity.ts'
import { timeOrderSql } from '../../schema/stored-values.ts'
import { exportedRecord } from './exported-record.ts'

/** Bytes that are read at once, about. */
const BLOCK = 512 * 1024
/** What a message takes beside its text. */
const OVERHEAD = 300

/** What the messages of a session are sorted by. */
export const MESSAGE_ORDER = (table: string) => `${timeOrderSql(`${table}.created_at`)}, ${table}.id`

/** Messages by their row numbers: the first and the last of some that follow each other. */
type Rows = [first: number, last: number]

/** The messages `m` of a list of rows as JSON. */
export const LISTED =
  'json_each(?) j CROSS JOIN chat_messages m ON m.rowid BETWEEN j.value ->> 0 AND j.value ->> 1'

/** About how many bytes a message `m` takes, as an expression of SQL. */
export const SIZE = `(${OVERHEAD} + octet_length(m.content) + coalesce(octet_length(m.metadata), 0))`

/**
 * The messages of a session as text in their order: for each its row number, which stays the same within a
 * transaction, and how many bytes it takes. A long chat is sorted once, not for each block of it, and a
 * million messages take little room as text.
 */
export async function sizesOf(reader: Connection, session: Value): Promise<string> {
  const [found] = await reader.repeat<{ sizes: string | null }>(
    `SELECT group_concat(m.rowid || ' ' || ${SIZE}, ',' ORDER BY ${MESSAGE_ORDER('m')}) AS sizes
     FROM chat_messages m WHERE m.session_id = ?`,
    [session],
  )
  return found?.sizes ?? ''
}

/**
 * The messages of such a text, as many at a time as are to be read at once: however long they are, no more
 * than fits, or a single one; and which share of them all ends with these.
 */
export function* blocksIn(sizes: string): Generator<{ rows: Rows[]; share: number }> {
  let rows: Rows[] = []
  let bytes = 0
  for (let at = 0; at < sizes.length; ) {
    const space = sizes.indexOf(' ', at)
    const comma = sizes.indexOf(',', space)
    const end = comma < 0 ? sizes.length : comma
    const row = Number(sizes.slice(at, space))
    const last = rows.at(-1)
    if (last?.[1] === row - 1) last[1] = row
    else rows.push([row, row])
    bytes += Number(sizes.slice(space, end))
    at = end + 1
    if (bytes < BLOCK && end < sizes.length) continue
    yield { rows, share: end / sizes.length }
    rows = []
    bytes = 0
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
    this.#sizes ??= await sizesOf(this.#reader, this.#session)
    const reading = ++this.#readings
    let blocks = 0
    for (const { rows, share } of blocksIn(this.#sizes)) {
      const messages = await this.#read(rows, reading)
      if (++blocks === 1 && share === 1) this.#all = messages
      this.#options.onShare?.(share, reading)
      yield* messages
    }
  }

  async #read(rows: Rows[], reading: number): Promise<ChatMessage[]> {
    const found = await this.#reader.repeat(
      `SELECT ${selectColumns(messageEntity, 'm')} FROM ${LISTED} ORDER BY j.key, m.rowid`,
      [JSON.stringify(rows)],
    )
    const onFound = () => {
      if (reading === 1) this.#options.onBytesFound?.()
    }
    return found.map((row) => exportedRecord(messageEntity, row, onFound))
  }
}
