import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { REBUILD, SEARCH_INDEX } from '../schema/index-tables.ts'
import { requireTable } from '../schema/require-table.ts'
import { problemsOf } from './index-damage.ts'

/** The schema version that introduced the index. */
export const INDEX_SINCE = 2

/** Requires the index. Throws PENDING for an older database, CHECK_FAILED when the index is missing. */
export async function requireIndex(reader: Connection): Promise<void> {
  await requireTable(reader, SEARCH_INDEX, INDEX_SINCE, REBUILD)
}

/** The triggers that keep the index up to date. */
export const INDEX_TRIGGERS = ['insert', 'delete', 'update'].map((verb) => `${SEARCH_INDEX}_${verb}`)

/**
 * The position of the segment number in the id of an FTS5 index piece, in bits, and the mask of its page
 * number.
 */
const SEGMENT = 37
const PAGE = 2 ** 31 - 1

/**
 * Detects in a few milliseconds that the index cannot cover every message: as many texts are indexed as there
 * are messages, by both counts that FTS5 keeps; each segment has an entry; the triggers exist. FTS5 itself
 * would return fewer hits, or none, without an error.
 */
const GLANCE = `SELECT
  (SELECT count(*) FROM chat_messages) AS messages,
  (SELECT count(*) FROM ${SEARCH_INDEX}_docsize) AS texts,
  (SELECT hex(block) FROM ${SEARCH_INDEX}_data WHERE id = 1) AS totals,
  (WITH RECURSIVE segments (id) AS (
     SELECT min(id) >> ${SEGMENT} FROM ${SEARCH_INDEX}_data WHERE id >= 1 << ${SEGMENT}
     UNION ALL
     SELECT (SELECT min(id) >> ${SEGMENT} FROM ${SEARCH_INDEX}_data WHERE id >= (segments.id + 1) << ${SEGMENT})
     FROM segments WHERE id IS NOT NULL)
   SELECT count(*) FROM segments WHERE id IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM ${SEARCH_INDEX}_idx WHERE segid = segments.id AND term = x'')) AS closed,
  (SELECT count(*) FROM sqlite_schema
   WHERE type = 'trigger' AND tbl_name = 'chat_messages' AND name IN (${INDEX_TRIGGERS.map((name) => `'${name}'`).join()})
  ) AS triggers`

/**
 * Explains in words why the index cannot be complete, as far as a quick check shows; undefined when it seems
 * complete.
 */
export async function glanceAtIndex(reader: Connection): Promise<string | undefined> {
  const seen = await reader.get<{
    messages: number
    texts: number
    totals: string | null
    closed: number
    triggers: number
  }>(GLANCE)
  if (!seen) return undefined
  const { messages, texts, totals, closed, triggers } = seen
  const counted = readCount(totals ?? '')
  if (texts !== messages || counted !== messages) {
    return `it has ${Math.min(texts, counted)} texts for ${messages} messages`
  }
  if (closed > 0) return 'a part of it cannot be entered'
  return triggers < INDEX_TRIGGERS.length ? 'a trigger that keeps it up to date is missing' : undefined
}

/** Throws CHECK_FAILED when a quick check shows that a search cannot find every message. */
export async function refuseIncompleteIndex(reader: Connection): Promise<void> {
  const problem = await glanceAtIndex(reader)
  if (problem === undefined) return
  await requireTable(reader, 'chat_messages') // no index can be built without that table
  throw incompleteIndex(problem)
}

/** Creates the error for an index that lacks messages, or has others. */
export function incompleteIndex(problem: string): AppError {
  return new AppError('CHECK_FAILED', `the full-text index does not fit the messages: ${problem}`, {
    hint: REBUILD,
  })
}

/**
 * Returns the problems of the index after reading it in full; empty for a sound one. On a connection that may
 * write, every text is compared with its index entries (nothing is written), since FTS5 compares them only
 * there.
 */
export async function indexProblems(reader: Connection): Promise<string[]> {
  const problem = await glanceAtIndex(reader)
  if (problem !== undefined) return [problem]
  const structure = await problemsOf(reader, SEARCH_INDEX)
  if (structure.length > 0) return structure
  const [row] = await reader.all<{ lost: number; missing: number; dangling: number }>(`SELECT
    (SELECT count(*) FROM (${PAGES_WITHOUT_ENTRY})) AS lost,
    (SELECT count(*) FROM chat_messages WHERE id NOT IN (SELECT message_id FROM ${SEARCH_INDEX}_rows)) AS missing,
    (SELECT count(*) FROM ${SEARCH_INDEX}_rows WHERE message_id NOT IN (SELECT id FROM chat_messages)) AS dangling`)
  if (row?.missing || row?.dangling)
    return [`${row.missing} messages are not in it, ${row.dangling} in it are gone`]
  if (row?.lost) return [`${row.lost} of its pages cannot be found by a search`]
  return (await agreesWithTexts(reader)) ? [] : ['it does not say what the messages say']
}

/**
 * Finds pages that lack the entry by which a search finds them: each page on which a word begins (its last
 * part lists where) needs one.
 */
const PAGES_WITHOUT_ENTRY = `SELECT id >> ${SEGMENT}, id & ${PAGE} FROM ${SEARCH_INDEX}_data
  WHERE id >= 1 << ${SEGMENT} AND id >> 36 & 1 = 0 AND hex(substr(block, 3, 2)) < printf('%04X', length(block))
  EXCEPT SELECT segid, pgno >> 1 FROM ${SEARCH_INDEX}_idx`

/**
 * Returns true when the index matches the texts, and also when they cannot be compared: on a read-only
 * connection, or while another program writes.
 */
async function agreesWithTexts(reader: Connection): Promise<boolean> {
  const before = await reader.get<{ query_only: number }>('PRAGMA query_only')
  const patience = await reader.get<{ timeout: number }>('PRAGMA busy_timeout')
  await reader.exec('PRAGMA query_only = OFF; PRAGMA busy_timeout = 0')
  try {
    await compareTexts(reader)
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'CORRUPT') return false
    if (error instanceof AppError && ['IO', 'LOCKED'].includes(error.code)) return true
    throw error
  } finally {
    await reader.exec(
      `PRAGMA busy_timeout = ${patience?.timeout ?? 0}; PRAGMA query_only = ${before?.query_only ?? 0}`,
    )
  }
}

/** Runs FTS5's own check, which reads every text. Throws CORRUPT. */
export async function compareTexts(writer: Connection): Promise<void> {
  await writer.run(`INSERT INTO ${SEARCH_INDEX} (${SEARCH_INDEX}, rank) VALUES ('integrity-check', 1)`)
}

/**
 * Decodes the first number of the record in which FTS5 counts: groups of seven bits, all but the last with
 * the eighth set.
 */
function readCount(hex: string): number {
  let count = 0
  for (const byte of Buffer.from(hex, 'hex')) {
    count = count * 128 + (byte & 127)
    if (byte < 128) break
  }
  return count
}
