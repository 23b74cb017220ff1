import { isUtf8 } from 'node:buffer'
import type { Connection, Value } from '../../engine/connection.ts'
import { isEngineError } from '../../engine/engine-errors.ts'
import { ANY_MESSAGE_LINE, LINE_COLUMNS, MESSAGE_LINE } from '../jsonl.ts'
import { blocksIn, LISTED, MESSAGE_ORDER, type ReadingOptions, SIZE, sizesOf } from './message-blocks.ts'

/** A chat whose messages have fewer bytes than this is short. */
const SHORT = 192 * 1024
/** Number of short chats to read together. */
export const CHATS = 24

/**
 * A statement that fails for a row with bytes instead of text, and a slower one that accepts any row and
 * counts those.
 */
interface LineQuery {
  quick: string
  any: string
}

/** As bytes: the driver makes a string of anything else, which takes longer and ends at a NUL. */
const together = (line: string) => `CAST(group_concat(${line}, '') AS BLOB)`
const BYTES = `total(${LINE_COLUMNS.message.map((name) => `typeof(m.${name}) = 'blob'`).join(' OR ')})`

const ofBlock = (line: string, bytes: string) =>
  `SELECT ${together(line)} AS lines, ${bytes} AS bytes FROM ${LISTED}`
const OF_BLOCK: LineQuery = { quick: ofBlock(MESSAGE_LINE, '0'), any: ofBlock(ANY_MESSAGE_LINE, BYTES) }

const SORTED = `(SELECT s.rowid AS row FROM chat_messages s WHERE s.session_id = t.id ORDER BY ${MESSAGE_ORDER('s')}) o
  CROSS JOIN chat_messages m ON m.rowid = o.row`
const ofChats = (line: string, bytes: string) => `
  SELECT iif(isShort, coalesce((SELECT ${together(line)} FROM ${SORTED}), x''), NULL) AS lines, ${bytes} AS bytes
  FROM (
    SELECT j.key AS place, t.id, (SELECT total(${SIZE}) FROM chat_messages m WHERE m.session_id = t.id) < ${SHORT} AS isShort
    FROM json_each(?) j JOIN chat_sessions t ON t.rowid = j.value
  ) t ORDER BY place`
const OF_CHATS: LineQuery = {
  quick: ofChats(MESSAGE_LINE, '0'),
  any: ofChats(ANY_MESSAGE_LINE, `iif(isShort, (SELECT ${BYTES} FROM ${SORTED}), 0)`),
}

/**
 * Returns the lines of the messages of each of some sessions, which are named by rowid; undefined for a long
 * chat.
 */
export function chatLines(
  reader: Connection,
  sessions: readonly number[],
  options: ReadingOptions,
): Promise<(Uint8Array | undefined)[]> {
  return readLines(reader, OF_CHATS, sessions, options)
}

/** Yields the lines of the messages of a long chat, several at a time. */
export async function* longChatLines(
  reader: Connection,
  session: Value,
  options: ReadingOptions,
): AsyncGenerator<Uint8Array> {
  for (const { rows, share } of blocksIn(await sizesOf(reader, session))) {
    options.onShare?.(share, 1)
    for (const lines of await readLines(reader, OF_BLOCK, rows, options)) if (lines) yield lines
  }
}

async function readLines(
  reader: Connection,
  { quick, any }: LineQuery,
  rows: readonly unknown[],
  { onBytesFound = () => {} }: ReadingOptions,
): Promise<(Uint8Array | undefined)[]> {
  const read = (sql: string) =>
    reader.repeat<{ lines: Buffer | null; bytes: number }>(sql, [JSON.stringify(rows)])
  const found = await read(quick).catch((error) => {
    // A row with bytes instead of text; any other failure occurs again below.
    if (!isEngineError(error) || error.code !== 'SQLITE_ERROR') throw error
    return read(any)
  })
  return found.map(({ lines, bytes }) => {
    for (let left = bytes; left > 0; left--) onBytesFound()
    if (lines === null) return undefined
    if (isUtf8(lines)) return lines
    // Another program may have stored text that is not UTF-8; it is exported with U+FFFD, as everywhere else.
    if (bytes === 0) onBytesFound()
    return Buffer.from(lines.toString('utf8'))
  })
}
