import type { Connection } from './connection.ts'

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

/** Bytes of words that FTS5 gathers before it writes a piece of the index: its own measure, and one for many messages. */
const [USUAL_GATHERING, MUCH_GATHERING] = [2 ** 20, 2 ** 24]

/** The last message that is in the index; those that are not were inserted after all that are. */
const LAST_INDEXED = `SELECT coalesce(
  (SELECT rowid FROM chat_messages m WHERE EXISTS (SELECT 1 FROM message_search_rows WHERE message_id = m.id)
   ORDER BY rowid DESC LIMIT 1),
  (SELECT min(rowid) - 1 FROM chat_messages)) AS last`

/** Beyond this SQLite may choose rowids in any order. */
const LARGEST_ROWID = 2 ** 53

/**
 * Indexes the messages that a transaction inserts at its end, all in one statement, which takes a fraction of the time:
 * FTS5 writes a piece of the index at every statement, and merges the pieces later. Nothing of this is seen outside of the
 * transaction, in which the trigger is missing for so long.
 */
export class DeferredSearchIndex {
  readonly #writer: Connection
  /** Whether the trigger is missing. */
  #isBehind = false

  constructor(writer: Connection) {
    this.#writer = writer
  }

  /** To be called at the start of the transaction. Where there are triggers of others, nothing is put off. */
  async defer(): Promise<void> {
    this.#isBehind = false
    const triggers = await this.#writer.all<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'chat_messages'",
    )
    const others = triggers.filter(({ sql }) => sql !== INSERT_TRIGGER)
    if (others.length === triggers.length || others.some(({ name }) => !OTHER_TRIGGERS.includes(name))) return
    const highest = await this.#writer.get<{ rowid: number | null }>(
      'SELECT max(rowid) AS rowid FROM chat_messages',
    )
    if (Number(highest?.rowid) >= LARGEST_ROWID) return
    await this.#writer.run('DROP TRIGGER message_search_insert')
    this.#isBehind = true
  }

  /** To be called before the transaction is committed. */
  async catchUp(): Promise<void> {
    if (!this.#isBehind) return
    const last = (await this.#writer.get<{ last: number | null }>(LAST_INDEXED))?.last ?? 0
    const docid = await this.#writer.get<{ last: number }>(
      'SELECT coalesce(max(docid), 0) AS last FROM message_search_rows',
    )
    const shift = (docid?.last ?? 0) - last
    const usual = await this.#writer.get<{ v: number }>(
      "SELECT v FROM message_search_config WHERE k = 'hashsize'",
    )
    await this.#gather(MUCH_GATHERING)
    await this.#writer.run(
      'INSERT INTO message_search_rows (docid, message_id) SELECT rowid + ?1, id FROM chat_messages WHERE rowid > ?2',
      [shift, last],
    )
    await this.#writer.run(
      'INSERT INTO message_search (rowid, content) SELECT rowid + ?1, content FROM chat_messages WHERE rowid > ?2',
      [shift, last],
    )
    await this.#gather(usual?.v ?? USUAL_GATHERING)
    if (!usual) await this.#writer.run("DELETE FROM message_search_config WHERE k = 'hashsize'")
    await this.#writer.exec(INSERT_TRIGGER)
    this.#isBehind = false
  }

  async #gather(bytes: number): Promise<void> {
    await this.#writer.run("INSERT INTO message_search (message_search, rank) VALUES ('hashsize', ?)", [
      bytes,
    ])
  }
}
