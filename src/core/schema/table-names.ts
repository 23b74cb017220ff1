import type { Connection } from '../engine/connection.ts'

/** A table as the schema names it; `shadow` tables hold what a virtual table stores. */
export interface NamedTable {
  name: string
  kind: 'table' | 'virtual' | 'shadow'
}

/** The suffixes of the tables behind SQLite's virtual tables (FTS3 to FTS5, R-tree). */
const SHADOWS = 'config content data docsize idx node parent rowid segdir segments stat'.split(' ')

/**
 * Lists the tables of a database by name, excluding SQLite's own. Reads the schema alone: `pragma_table_list`
 * fails when a damaged full-text index cannot be opened.
 */
export async function namedTables(connection: Connection): Promise<NamedTable[]> {
  const rows = await connection.all<{ name: string; virtual: number }>(
    `SELECT name, sql LIKE 'CREATE VIRTUAL TABLE%' AS virtual FROM sqlite_schema
     WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
  )
  const shadows = new Set(
    rows.filter(({ virtual }) => virtual).flatMap(({ name }) => SHADOWS.map((end) => `${name}_${end}`)),
  )
  return rows.map(({ name, virtual }) => ({
    name,
    kind: virtual ? 'virtual' : shadows.has(name) ? 'shadow' : 'table',
  }))
}

/** Returns the names of the ordinary tables. */
export async function ordinaryTables(connection: Connection): Promise<string[]> {
  return (await namedTables(connection)).filter(({ kind }) => kind === 'table').map(({ name }) => name)
}
