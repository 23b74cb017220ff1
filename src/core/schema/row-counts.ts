import type { Connection } from '../engine/connection.ts'
import { quoteName } from '../engine/quote-name.ts'
import { ordinaryTables } from './table-names.ts'

/** Rows by table. */
export type RowCounts = Record<string, number>

/** Counts the rows of every ordinary table, excluding SQLite's own. */
export async function countRows(connection: Connection): Promise<RowCounts> {
  // Without a prototype: a table may be called `constructor` or `__proto__`.
  const counts: RowCounts = Object.create(null)
  for (const name of await ordinaryTables(connection)) {
    const row = await connection.get<{ rows: number }>(`SELECT count(*) AS rows FROM ${quoteName(name)}`)
    counts[name] = row?.rows ?? 0
  }
  return counts
}

/** Returns the number of rows in all tables together. */
export function totalRows(counts: RowCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** Returns a name for the rowid of a table that none of its columns uses; undefined when all are in use. */
export function rowNumberOf(columns: string[]): string | undefined {
  const taken = new Set(columns.map((column) => column.toLowerCase()))
  return ['rowid', '_rowid_', 'oid'].find((alias) => !taken.has(alias))
}
