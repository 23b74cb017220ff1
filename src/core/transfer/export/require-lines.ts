import type { Connection } from '../../engine/connection.ts'
import { AppError } from '../../errors.ts'
import { requireTable } from '../../schema/require-table.ts'
import { LINE_COLUMNS, LINE_TABLES, type LineType } from '../jsonl.ts'

/**
 * Requires the tables behind these kinds of lines, with all their columns. Throws CHECK_FAILED when one is
 * missing, PENDING when the database is older than the tables.
 */
export async function requireLines(reader: Connection, types: readonly LineType[]): Promise<void> {
  for (const type of types) {
    const table = LINE_TABLES[type]
    await requireTable(reader, table)
    const found = await reader.all<{ name: string }>('SELECT name FROM pragma_table_info(?)', [table])
    const missing = LINE_COLUMNS[type].find((column) => !found.some(({ name }) => name === column))
    if (missing === undefined) continue
    throw new AppError('CHECK_FAILED', `the column ${missing} is missing from the table ${table}`, {
      hint: { step: 'compare_schema' },
    })
  }
}

/** The lines that every export needs. */
export const CHAT_LINES = ['agent', 'session', 'message'] as const
