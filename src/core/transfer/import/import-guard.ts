import type { Connection } from '../../engine/connection.ts'
import { ignoredError, refuseIgnored } from '../../schema/ignored-changes.ts'
import { LINE_TABLES } from '../jsonl.ts'
import { insertPlain, type PlainRows, plainValue } from './insert-plain.ts'

/** Everything that is imported into. */
const TABLES = JSON.stringify(Object.values(LINE_TABLES))

/**
 * The triggers of the full-text index, which change nothing but it as long as they name none of the tables.
 */
const OF_INDEX = /^message_search_(?:insert|delete|update)$/
const REACHES_TABLES = new RegExp(`\\b(?:raise|${Object.values(LINE_TABLES).join('|')})\\b`, 'i')

/**
 * Sees to it that what is imported is in the tables. How many rows a statement changed is always compared
 * with how many were meant; each row is read back only where something in the schema could ignore or change
 * it, which is looked up once for each transaction: so a usual import takes no longer.
 */
export class ImportGuard {
  readonly #writer: Connection
  /** Whether there are triggers of others, constraints that ignore, or views in place of tables. */
  watches = false
  /** Has a constraint that would ignore or replace a row refuse it instead. */
  #or: '' | 'OR ABORT' = ''

  constructor(writer: Connection) {
    this.#writer = writer
  }

  /** To be called at the start of a transaction. */
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

  /** Inserts rows, all of them or none. Throws INVALID where the table does not keep one. */
  async insert(table: string, rows: PlainRows): Promise<void> {
    const changed = await insertPlain(this.#writer, table, rows, this.#or)
    await refuseIgnored(this.#writer, table, 'insert', { changed, meant: rows.count })
    await this.confirm(table, rows, 'insert')
  }

  /**
   * Where something is watched: makes sure that rows are in the table as they are given. Throws INVALID. When
   * a row was last changed is left to a trigger that has a time of its own for this.
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

/** What a trigger of the index does, after its first line, which names the table that it is of. */
const reachesTables = (sql: string) => REACHES_TABLES.test(sql.slice(sql.search(/\bbegin\b/i)))
