import type { Connection } from '../../engine/connection.ts'
import { ignoredError, refuseIgnored } from '../../schema/ignored-changes.ts'
import { LINE_TABLES } from '../jsonl.ts'
import { insertPlain, type PlainRows, plainValue } from './insert-plain.ts'

/** All tables that an import writes to. */
const TABLES = JSON.stringify(Object.values(LINE_TABLES))

/**
 * The triggers of the full-text index, which change only the index as long as they name none of the tables.
 */
const OF_INDEX = /^message_search_(?:insert|delete|update)$/
const REACHES_TABLES = new RegExp(`\\b(?:raise|${Object.values(LINE_TABLES).join('|')})\\b`, 'i')

/**
 * Verifies that imported rows are in the tables. Always compares how many rows a statement changed with how
 * many were intended; reads each row back only when something in the schema could ignore or change it, which
 * is checked once per transaction, so a normal import takes no longer.
 */
export class ImportGuard {
  readonly #writer: Connection
  /** True when there are foreign triggers, constraints that ignore, or views instead of tables. */
  watches = false
  /** The clause that makes a constraint reject a row that it would ignore or replace. */
  #or: '' | 'OR ABORT' = ''

  constructor(writer: Connection) {
    this.#writer = writer
  }

  /** Inspects the schema; call it at the start of a transaction. */
  async look(): Promise<void> {
    const objects = await this.#writer.all<{ type: string; name: string; sql: string }>(
      `SELECT type, name, sql FROM sqlite_schema WHERE tbl_name IN (SELECT value FROM json_each(?))
         AND (type IN ('trigger', 'view') OR (type = 'table' AND sql LIKE '%conflict%'))`,
      [TABLES],
    )
    const strange = objects.filter(({ name, sql }) => !(OF_INDEX.test(name) && !reachesTables(sql)))
    this.watches = strange.length > 0
    this.#or = strange.some(({ type }) => type === 'table') ? 'OR ABORT' : ''
  }

  /** Inserts rows, all of them or none. Throws INVALID when the table does not keep one. */
  async insert(table: string, rows: PlainRows): Promise<void> {
    const changed = await insertPlain(this.#writer, table, rows, this.#or)
    await refuseIgnored(this.#writer, table, 'insert', { changed, meant: rows.count })
    await this.confirm(table, rows, 'insert')
  }

  /**
   * Verifies, when something is watched, that rows are in the table as given. Throws INVALID. The time of a
   * row's last change is not compared if a trigger sets it.
   */
  async confirm(
    table: string,
    { names, texts, count }: PlainRows,
    change: 'insert' | 'update',
  ): Promise<void> {
    if (!this.watches) return
    const key = table === LINE_TABLES.setting ? 'key' : 'id'
    const same = names
      .map((name, place) =>
        change === 'update' && name === 'updated_at' ? '1' : `t.${name} IS ${plainValue(place)}`,
      )
      .join(' AND ')
    let found = 0
    for (const text of texts) {
      const row = await this.#writer.get<{ n: number }>(
        `SELECT count(*) AS n FROM jsonb_each(?) AS rows JOIN ${table} t ON t.${key} = ${plainValue(names.indexOf(key))}
         WHERE ${same}`,
        [text],
      )
      found += row?.n ?? 0
    }
    if (found !== count) throw await ignoredError(this.#writer, table, change)
  }
}

/** Tests the body of an index trigger, after its first line, which names its own table. */
const reachesTables = (sql: string) => REACHES_TABLES.test(sql.slice(sql.search(/\bbegin\b/i)))
