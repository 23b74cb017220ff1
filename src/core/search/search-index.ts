import type { Connection, Parameters } from '../engine/connection.ts'
import { AppError } from '../errors.ts'

/** Makes the index again from the messages. */
export async function rebuildSearch(writer: Connection): Promise<void> {
  await writer.exec(`
    DELETE FROM message_search_rows WHERE message_id NOT IN (SELECT id FROM chat_messages);
    INSERT INTO message_search_rows (message_id)
      SELECT id FROM chat_messages WHERE id NOT IN (SELECT message_id FROM message_search_rows);
    INSERT INTO message_search (message_search) VALUES ('rebuild');`)
}

/** What keeps the index up to date, one message at a time, as migration 2 makes it. */
const INSERT_TRIGGER = `CREATE TRIGGER message_search_insert AFTER INSERT ON chat_messages BEGIN
  INSERT INTO message_search_rows (message_id) VALUES (new.id);
  INSERT INTO message_search (rowid, content)
    SELECT docid, new.content FROM message_search_rows WHERE message_id = new.id;
END`
const OTHER_TRIGGERS = ['message_search_delete', 'message_search_update']

/** Messages that one statement indexes. */
const AT_ONCE = 5000
/** Pages of the index that are merged after it, at most; about as many as FTS5 itself would merge. */
const MERGED_PAGES = 4000
/**
 * How FTS5 works: the bytes of words it gathers before it writes a piece of the index, and whether it merges
 * pieces meanwhile. In a statement of many rows SQLite keeps in memory what a merge removes, in one of a
 * single row it does not.
 */
const SETTINGS = {
  hashsize: { many: 2 ** 21, usual: 2 ** 20 },
  automerge: { many: 0, usual: 4 },
}

/** Beyond this SQLite may choose rowids in any order. */
const LARGEST_ROWID = 2 ** 53

/**
 * Indexes the messages that a transaction inserts at its end, many in one statement, which takes a fraction
 * of the time: FTS5 writes a piece of the index at every statement, and merges the pieces later. Nothing of
 * this is seen outside of the transaction, in which the trigger is missing for so long.
 */
export class DeferredSearchIndex {
  readonly #writer: Connection
  /** The last row there was when the trigger was taken away; undefined while it is there. */
  #lastBefore: number | undefined

  constructor(writer: Connection) {
    this.#writer = writer
  }

  /** To be called at the start of the transaction. Where there are triggers of others, nothing is put off. */
  async defer(): Promise<void> {
    this.#lastBefore = undefined
    const triggers = await this.#writer.all<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'chat_messages'",
    )
    const others = triggers.filter(({ sql }) => sql !== INSERT_TRIGGER)
    if (others.length === triggers.length || others.some(({ name }) => !OTHER_TRIGGERS.includes(name))) return
    const last = await this.#number('SELECT coalesce(max(rowid), 0) AS n FROM chat_messages')
    if (last >= LARGEST_ROWID) return
    await this.#writer.run('DROP TRIGGER message_search_insert')
    this.#lastBefore = last
  }

  /**
   * To be called before the transaction is committed. Throws CHECK_FAILED where the index knows a message
   * that is new.
   */
  async catchUp(): Promise<void> {
    if (this.#lastBefore === undefined) return
    const indexed = await this.#lastIndexed(this.#lastBefore)
    const shift =
      (await this.#number('SELECT coalesce(max(docid), 0) AS n FROM message_search_rows')) - indexed
    // With OR ROLLBACK SQLite need not keep what the statement changes: nearly every page of an index of
    // random ids.
    await this.#writer
      .run(
        `INSERT OR ROLLBACK INTO message_search_rows (docid, message_id)
         SELECT rowid + ?1, id FROM chat_messages WHERE rowid > ?2`,
        [shift, indexed],
      )
      .catch(explainStale)
    const last = await this.#number('SELECT coalesce(max(rowid), 0) AS n FROM chat_messages')
    await this.#configured(async () => {
      for (let row = indexed; row < last; row += AT_ONCE) {
        await this.#writer.run(
          `INSERT INTO message_search (rowid, content)
           SELECT rowid + ?1, content FROM chat_messages WHERE rowid > ?2 AND rowid <= ?3`,
          [shift, row, row + AT_ONCE],
        )
        await this.#command('merge', MERGED_PAGES)
      }
    })
    await this.#writer.exec(INSERT_TRIGGER)
    this.#lastBefore = undefined
  }

  /**
   * The last row that is in the index. All that are not come after it: each was new when the others were
   * there.
   */
  #lastIndexed(lastBefore: number): Promise<number> {
    return this.#number(
      `SELECT coalesce(
         (SELECT rowid FROM chat_messages m WHERE rowid <= ?
            AND EXISTS (SELECT 1 FROM message_search_rows WHERE message_id = m.id)
          ORDER BY rowid DESC LIMIT 1),
         (SELECT min(rowid) - 1 FROM chat_messages), 0) AS n`,
      [lastBefore],
    )
  }

  /** Has FTS5 work as suits many messages, then again as it did. */
  async #configured(work: () => Promise<void>): Promise<void> {
    const chosen = await this.#writer.all<{ k: string; v: number }>('SELECT k, v FROM message_search_config')
    for (const [name, { many }] of Object.entries(SETTINGS)) await this.#command(name, many)
    await work()
    for (const [name, { usual }] of Object.entries(SETTINGS)) {
      const before = chosen.find(({ k }) => k === name)
      await this.#command(name, before?.v ?? usual)
      if (!before) await this.#writer.run('DELETE FROM message_search_config WHERE k = ?', [name])
    }
  }

  async #command(name: string, value: number): Promise<void> {
    await this.#writer.run('INSERT INTO message_search (message_search, rank) VALUES (?, ?)', [name, value])
  }

  async #number(sql: string, parameters: Parameters = []): Promise<number> {
    return (await this.#writer.get<{ n: number }>(sql, parameters))?.n ?? 0
  }
}

function explainStale(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'INVALID') throw error
  throw new AppError('CHECK_FAILED', 'the search index has messages that were not there any more', {
    hint: { step: 'rebuild_index', about: 'make it again, then run this once more' },
    cause: error,
  })
}
