import type { Connection, Row } from '../../engine/connection.ts'
import { quoteName } from '../../engine/quote-name.ts'
import { guardedText, LONGEST_TEXT } from '../../query/longest-text.ts'
import { rowNumberOf } from '../../schema/row-counts.ts'
import { Refused } from '../conversation.ts'

/** A table of another program's database, with the known columns that it has. */
export interface ForeignTable {
  name: string
  columns: readonly string[]
  /** A name for its rowid that none of its columns uses; `rowid` by default. */
  number?: string
}

/** The key under which every row holds its rowid; a name that no column has. */
export const ROW = '@row'

/** A row with its rowid. */
export type NumberedRow = Row & { [ROW]: number }

/**
 * Returns the declared type, upper case, of every column of a table by its lower-case name; views and virtual
 * tables have none.
 */
export async function columnTypes(connection: Connection, table: string): Promise<Map<string, string>> {
  const rows = await connection.all<{ name: string; type: string }>(
    `SELECT lower(c.name) AS name, upper(c.type) AS type FROM sqlite_schema AS s, pragma_table_info(s.name) AS c
     WHERE s.type = 'table' AND s.name = ? COLLATE NOCASE AND s.sql LIKE 'CREATE TABLE%'`,
    [table],
  )
  return new Map(rows.map(({ name, type }) => [name, type]))
}

/** Returns true when a table exists that has all of these columns. */
export async function hasColumns(
  connection: Connection,
  table: string,
  columns: readonly string[],
): Promise<boolean> {
  const types = await columnTypes(connection, table)
  return columns.every((column) => types.has(column))
}

/**
 * Returns a table with those of the `known` columns that it has; undefined when there is no such table.
 * Throws Refused for a table without readable rowids.
 */
export async function foreignTable(
  connection: Connection,
  name: string,
  known: readonly string[],
): Promise<ForeignTable | undefined> {
  const types = await columnTypes(connection, name)
  if (types.size === 0) return undefined
  const form = await connection.get<{ wr: 0 | 1 }>(
    "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE",
    [name],
  )
  const number = form?.wr ? undefined : rowNumberOf([...types.keys()])
  if (number === undefined)
    throw new Refused(null, `its table ${name} has no row numbers, by which it could be read`)
  return { name, columns: known.filter((column) => types.has(column)), number }
}

/** Rows per read, when they are short. */
const PAGE = 500

/** Yields all rows in order of their rowids, page by page. */
export async function* rowsOf(
  connection: Connection,
  table: ForeignTable,
  page = PAGE,
): AsyncGenerator<NumberedRow> {
  const { number = 'rowid' } = table
  let after: number | undefined
  for (;;) {
    const rows = await connection.all<NumberedRow>(
      `${selection(table)} ${after === undefined ? '' : `WHERE ${number} > ?`} ORDER BY ${number} LIMIT ${page}`,
      after === undefined ? [] : [after],
    )
    yield* readable(rows, table)
    after = rows.at(-1)?.[ROW]
    if (rows.length < page) return
  }
}

/** The key under which a row holds the byte length of its longest value. */
const LENGTH = '@length'

/**
 * Returns the same rows. Throws Refused for one with a text that JavaScript cannot hold, of which `selection`
 * returns only the length.
 */
function readable(rows: NumberedRow[], { name }: ForeignTable): NumberedRow[] {
  for (const row of rows) {
    if (Number(row[LENGTH]) > LONGEST_TEXT)
      throw new Refused(
        null,
        `row ${row[ROW]} of its table ${name} holds a text that is longer than can be read`,
      )
    delete row[LENGTH]
  }
  return rows
}

/**
 * Returns the start of a query for the columns of a table; SQLite would read the name of a missing column as
 * text, so none is named.
 */
export function selection({ name, columns, number = 'rowid' }: ForeignTable): string {
  const list = columns.map((column) => `${guardedText(quoteName(column))} AS ${quoteName(column)}`)
  const lengths = columns.map((column) => `coalesce(octet_length(${quoteName(column)}), 0)`)
  list.push(`max(${['0', '0', ...lengths].join(', ')}) AS ${quoteName(LENGTH)}`)
  return `SELECT ${[...list, `${number} AS ${quoteName(ROW)}`].join(', ')} FROM ${quoteName(name)}`
}

/** The rows of a table grouped by a key, which need not be indexed: only their rowids are kept. */
export class RowGroups {
  readonly #connection: Connection
  readonly #table: ForeignTable | undefined
  readonly #numbers = new Map<string, number[]>()

  private constructor(connection: Connection, table: ForeignTable | undefined) {
    this.#connection = connection
    this.#table = table
  }

  /**
   * Scans a table once; `keyOf` receives those of `columns` that it has. Without a table there are no groups.
   */
  static async make(
    connection: Connection,
    table: ForeignTable | undefined,
    columns: readonly string[],
    keyOf: (row: NumberedRow) => unknown,
  ): Promise<RowGroups> {
    const groups = new RowGroups(connection, table)
    if (!table) return groups
    const keys = { ...table, columns: columns.filter((column) => table.columns.includes(column)) }
    for await (const row of rowsOf(connection, keys, 10 * PAGE)) {
      const key = keyOf(row)
      if (key === null || key === undefined) continue
      const group = groups.#numbers.get(String(key))
      if (group) group.push(row[ROW])
      else groups.#numbers.set(String(key), [row[ROW]])
    }
    return groups
  }

  /** Returns every key that has rows. */
  keys(): IterableIterator<string> {
    return this.#numbers.keys()
  }

  /** Returns true when a key has rows. */
  has(key: unknown): boolean {
    return this.#numbers.has(String(key))
  }

  /** Returns the rows of some keys in order of their rowids. */
  async of(...keys: readonly unknown[]): Promise<NumberedRow[]> {
    const numbers = keys.flatMap((key) => this.#numbers.get(String(key)) ?? [])
    if (!this.#table || numbers.length === 0) return []
    const { number = 'rowid' } = this.#table
    const rows = await this.#connection.all<NumberedRow>(
      `${selection(this.#table)} WHERE ${number} IN (SELECT value FROM json_each(?)) ORDER BY ${number}`,
      [JSON.stringify(numbers)],
    )
    return readable(rows, this.#table)
  }
}
