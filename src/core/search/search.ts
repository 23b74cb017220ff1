import type { Connection, Row, Value } from '../engine/connection.ts'
import { isEngineError } from '../engine/engine-errors.ts'
import { AppError } from '../errors.ts'
import { checkFields, countOf, textOf } from '../records/check-given.ts'
import { type ChatMessage, message } from '../records/entities/message.ts'
import { selectColumns } from '../records/entity.ts'
import { conditionsOf, type ListOptions } from '../records/list-records.ts'
import { decodeRow } from '../records/record.ts'
import { timeOrderSql } from '../schema/stored-values.ts'
import { incompleteIndex, refuseIncompleteIndex } from './index-check.ts'

/** Options for a search. */
export interface SearchOptions
  extends Pick<ListOptions<typeof message>, 'where' | 'since' | 'until' | 'limit'> {
  /** Treat the text as FTS5 syntax instead of literally. */
  fts?: boolean
  /** Number of messages of the same chat to include before and after each hit. */
  context?: number
}

/** A message that was found; `snippet` marks each match with `**` on both sides. */
export type Hit = ChatMessage & { snippet: string; rank: number; context?: ChatMessage[] }

/**
 * Finds messages that contain all the words, the best match first. Throws INVALID for text without words,
 * wrong FTS5 syntax, or a field that messages do not have, CHECK_FAILED when the index cannot cover every
 * message.
 */
export async function searchMessages(
  reader: Connection,
  words: string,
  options: SearchOptions = {},
): Promise<Hit[]> {
  checkFields('search: options', options)
  const text = textOf('search: words', words)
  const query = options.fts ? text : literally(text)
  const limit = countOf('search: limit', options.limit, Number.POSITIVE_INFINITY)
  const around = countOf('search: context', options.context, 0)
  await refuseIncompleteIndex(reader)
  const conditions = conditionsOf(message, options, 'm')
  const where = conditions.map(({ sql }) => `(${sql})`).join(' AND ') || 'true'
  const columns = selectColumns(message, 'm')
  const rows = await reader
    .all(
      `SELECT ${columns}, snippet(message_search, 0, '**', '**', '…', 24) AS snippet, rank
       FROM ${INDEXED_MESSAGES}
       WHERE message_search MATCH ? AND (m.id IS NULL OR ${where}) ORDER BY rank LIMIT ?`,
      [query, ...conditions.flatMap(({ parameters }) => parameters), asLimit(limit)],
    )
    .catch((error) => explainSyntax(reader, query, error, options.fts ?? false))
  refuseUnknown(rows)
  const hits = rows.map((row): Hit => {
    const { snippet, rank } = row as { snippet: string; rank: number }
    return { ...decodeRow(message, row), snippet, rank }
  })
  if (around > 0)
    for (const [index, hit] of hits.entries())
      hit.context = await contextOf(reader, hit, rows[index] as Row, around)
  return hits
}

/** The indexed texts, each with its message; without one when the index has a message that does not exist. */
const INDEXED_MESSAGES = `message_search
  LEFT JOIN message_search_rows r ON r.docid = message_search.rowid
  LEFT JOIN chat_messages m ON m.id = r.message_id`

/**
 * Returns the ids of the sessions with a message that contains all the words. Throws INVALID for text without
 * words, CHECK_FAILED when the index cannot cover every message.
 */
export async function searchSessions(reader: Connection, words: string): Promise<string[]> {
  const query = literally(words)
  await refuseIncompleteIndex(reader)
  const rows = await reader.all<{ id: string | null; session: string }>(
    `SELECT m.id, m.session_id AS session FROM ${INDEXED_MESSAGES} WHERE message_search MATCH ?`,
    [query],
  )
  refuseUnknown(rows)
  return [...new Set(rows.map(({ session }) => session))]
}

/** Throws when a text that was found belongs to no message: its message may be another one by now. */
function refuseUnknown(rows: Row[]): void {
  if (rows.some(({ id }) => id === null)) throw incompleteIndex('it has a text that no message is known for')
}

/** Quotes each word as an FTS5 string, so that nothing in it is syntax. */
function literally(words: string): string {
  const tokens = words.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word))
  if (tokens.length === 0) {
    throw new AppError('INVALID', 'there is no word to search for', {
      hint: { step: 'search_example' },
    })
  }
  return tokens.map((token) => `"${token.replaceAll('"', '""')}"`).join(' ')
}

/** In SQLite a negative limit means no limit. */
const asLimit = (count: number) => (Number.isFinite(count) ? count : -1)

/** Detects, by a query for nothing else, whether it is the text that FTS5 rejects. */
async function explainSyntax(
  reader: Connection,
  query: string,
  error: unknown,
  fts: boolean,
): Promise<never> {
  if (!fts || !isEngineError(error) || error.code !== 'SQLITE_ERROR') throw error
  const refused = await reader.get('SELECT 1 FROM message_search WHERE message_search MATCH ?', [query]).then(
    () => false,
    (again) => isEngineError(again) && again.code === 'SQLITE_ERROR',
  )
  if (!refused) throw error
  throw new AppError('INVALID', `this is not FTS5 syntax: ${error.message.replace(/^SQLITE_ERROR: /, '')}`, {
    hint: { step: 'search_words' },
    cause: error,
  })
}

async function contextOf(reader: Connection, hit: Hit, stored: Row, size: number): Promise<ChatMessage[]> {
  const columns = selectColumns(message)
  const time = timeOrderSql('created_at')
  const beside = (sign: '<' | '>', direction: 'ASC' | 'DESC') =>
    reader.all<Row>(
      `SELECT ${columns} FROM chat_messages
       WHERE session_id = ?1 AND (${time}, id) ${sign} (SELECT ${time}, id FROM chat_messages WHERE id = ?2)
       ORDER BY ${time} ${direction}, id ${direction} LIMIT ?3`,
      [stored.session_id as Value, stored.id as Value, asLimit(size)],
    )
  const { snippet: _snippet, rank: _rank, ...itself } = hit
  const [before, after] = [await beside('<', 'DESC'), await beside('>', 'ASC')]
  const decoded = (rows: Row[]) => rows.map((row) => decodeRow(message, row))
  return [...decoded(before.reverse()), itself, ...decoded(after)]
}
