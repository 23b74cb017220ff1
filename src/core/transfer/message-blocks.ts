import { isUtf8 } from 'node:buffer'
import type { Connection } from '../connection.ts'
import { message as messageEntity } from '../entities/message.ts'
import { selectColumns } from '../entity.ts'
import type { ChatMessage } from '../models.ts'
import { decodeRow } from '../record.ts'
import { MESSAGE_LINE } from './jsonl.ts'

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
    this.#bytes += bytes
  }

  get isFull(): boolean {
    return this.#bytes >= BLOCK
  }
}

/** Where a message is, and about how many bytes it has. */
export interface MessageSize {
  /** Its row number, which stays the same within a transaction. */
  row: number
  bytes: number
}

/**
 * The messages of some sessions, by session and in their order, without their text: a long chat is sorted once, and not
 * again for each page that is read of it.
 */
export async function messageSizes(
  reader: Connection,
  sessions: readonly string[],
): Promise<Map<string, MessageSize[]>> {
  const found = await reader.all<{ session: string; sizes: string }>(
    `SELECT session_id AS session, group_concat(
       rowid || ' ' || (${OVERHEAD} + octet_length(content) + coalesce(octet_length(metadata), 0)), ','
       ORDER BY created_at, id) AS sizes
     FROM chat_messages WHERE session_id IN (SELECT value FROM json_each(?)) GROUP BY session_id`,
    [JSON.stringify(sessions)],
  )
  return new Map(found.map(({ session, sizes }) => [session, sizes.split(',').map(sizeOf)]))
}

function sizeOf(text: string): MessageSize {
  const space = text.indexOf(' ')
  return { row: Number(text.slice(0, space)), bytes: Number(text.slice(space + 1)) }
}

/** The messages of one session in their order, read a block at a time. */
export async function* messagesOf(reader: Connection, session: string): AsyncGenerator<ChatMessage> {
  let block = new Block<number>()
  const read = async () => {
    const rows = await reader.all(
      `SELECT ${selectColumns(messageEntity, 'm')} FROM json_each(?) j JOIN chat_messages m ON m.rowid = j.value ORDER BY j.key`,
      [JSON.stringify(block.items)],
    )
    block = new Block()
    return rows.map((row) => decodeRow(messageEntity, row) as unknown as ChatMessage)
  }
  for (const { row, bytes } of (await messageSizes(reader, [session])).get(session) ?? []) {
    block.add(row, bytes)
    if (block.isFull) yield* await read()
  }
  yield* await read()
}

/** Lines that are given, and those of the messages in the given rows, one after the other as UTF-8. */
export async function readLines(
  reader: Connection,
  items: readonly (string | number)[],
): Promise<Uint8Array> {
  const found = await reader.get<{ lines: Buffer | null }>(
    `SELECT CAST(group_concat(CASE WHEN m.rowid IS NULL THEN j.value ELSE ${MESSAGE_LINE} END, '') AS BLOB) AS lines
     FROM json_each(?) j LEFT JOIN chat_messages m ON j.type = 'integer' AND m.rowid = j.value`,
    [JSON.stringify(items)],
  )
  const lines = found?.lines ?? Buffer.alloc(0)
  // Another program may have stored bytes that are no text; they come out as U+FFFD, as everywhere else.
  return isUtf8(lines) ? lines : Buffer.from(lines.toString('utf8'))
}
