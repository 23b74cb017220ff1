import type { Connection, Value } from '../../engine/connection.ts'
import type { ChatMessage } from '../../records/entities/message.ts'
import { message as messageEntity } from '../../records/entities/message.ts'
import { selectColumns } from '../../records/entity.ts'
import { timeOrderSql } from '../../schema/stored-values.ts'
import { exportedRecord } from './exported-record.ts'

/** Approximate number of bytes per read. */
const BLOCK = 512 * 1024
/** The size of a message besides its text, in bytes. */
const OVERHEAD = 300

/** Returns the sort order for the messages of a session. */
export const MESSAGE_ORDER = (table: string) => `${timeOrderSql(`${table}.created_at`)}, ${table}.id`

/** Messages by rowid: the first and the last of a consecutive run. */
type Rows = [first: number, last: number]

/** The messages `m` of a JSON list of rows. */
export const LISTED =
  'json_each(?) j CROSS JOIN chat_messages m ON m.rowid BETWEEN j.value ->> 0 AND j.value ->> 1'

/** The approximate size of a message `m` in bytes, as an SQL expression. */
export const SIZE = `(${OVERHEAD} + octet_length(m.content) + coalesce(octet_length(m.metadata), 0))`

/**
 * Returns the messages of a session as text, in order: the rowid of each, which does not change within a
 * transaction, and its size in bytes. This sorts a long chat once, not once per block, and text keeps a
 * million messages small.
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
 * Yields the messages of such a text in groups to read together: however long they are, no more than fits, or
 * a single one; and the share of all messages that is complete after each group.
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

/** Callbacks during the reading of messages. */
export interface ReadingOptions {
  /**
   * Called with the share of the messages read so far, from 0 to 1, and the number of the current reading.
   */
  onShare?: (share: number, reading: number) => void
  /** Called for a row that had bytes instead of text. */
  onBytesFound?: () => void
}

/** The messages of one session in order, read block by block each time they are requested. */
export class StoredMessages implements AsyncIterable<ChatMessage> {
  readonly #reader: Connection
  readonly #session: Value
  readonly #options: ReadingOptions
  #sizes: string | undefined
  /** The messages of a chat that fits into one block are kept, so that reading them again costs nothing. */
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
