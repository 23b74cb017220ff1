import type { Connection, Parameters } from '../engine/connection.ts'
import { AppError } from '../errors.ts'

/** Rebuilds the index from the messages. */
export async function rebuildSearch(writer: Connection): Promise<void> {
  await writer.exec(`
    DELETE FROM message_search_rows WHERE message_id NOT IN (SELECT id FROM chat_messages);
    INSERT INTO message_search_rows (message_id)
      SELECT id FROM chat_messages WHERE id NOT IN (SELECT message_id FROM message_search_rows);
    INSERT INTO message_search (message_search) VALUES ('rebuild');`)
}

/** The trigger that keeps the index up to date, one message at a time, as in migration 2. */
const INSERT_TRIGGER = `CREATE TRIGGER message_search_insert AFTER INSERT ON chat_messages BEGIN
  INSERT INTO message_search_rows (message_id) VALUES (new.id);
  INSERT INTO message_search (rowid, content)
    SELECT docid, new.content FROM message_search_rows WHERE message_id = new.id;
END`
const OTHER_TRIGGERS = ['message_search_delete', 'message_search_update']

/** Messages to index per statement. */
const AT_ONCE = 5000
/** The most pages of the index to merge afterwards; about as many as FTS5 itself would merge. */
const MERGED_PAGES = 4000
/**
 * Settings of FTS5: the bytes of words it gathers before it writes a piece of the index, and whether it
 * merges pieces meanwhile. During a statement over many rows SQLite keeps in memory what a merge removes;
 * during one over a single row it does not.
 */
const SETTINGS = {
  hashsize: { many: 2 ** 21, usual: 2 ** 20 },
  automerge: { many: 0, usual: 4 },
}

/** Beyond this, SQLite may choose rowids in any order. */
const LARGEST_ROWID = 2 ** 53

/**
 * Indexes the messages of a transaction at its end, many in one statement, which takes a fraction of the
 * time: FTS5 writes a piece of the index for every statement, and merges the pieces later. None of this is
 * visible outside the transaction, inside which the trigger is missing until then.
 */
export class DeferredSearchIndex {
  readonly #writer: Connection
  /** The last row when the trigger was dropped; undefined while the trigger exists. */
  #lastBefore: number | undefined

  constructor(writer: Connection) {
    this.#writer = writer
  }

  /**
   * Defers indexing; call it at the start of the transaction. With triggers of other programs, nothing is
   * deferred.
   */
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
   * Indexes the deferred messages; call it before the commit. Throws CHECK_FAILED when the index already
   * knows a new message.
   */
  async catchUp(): Promise<void> {
    if (this.#lastBefore === undefined) return
    const indexed = await this.#lastIndexed(this.#lastBefore)
    const shift =
      (await this.#number('SELECT coalesce(max(docid), 0) AS n FROM message_search_rows')) - indexed
    // With OR ROLLBACK, SQLite need not keep what the statement changes: nearly every page of an index of
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
   * Returns the last row in the index. All rows that are not indexed come after it: each was new when the
   * others existed.
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

  /** Configures FTS5 for many messages during `work`, then restores its settings. */
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
