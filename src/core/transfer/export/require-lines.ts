import type { Connection } from '../../engine/connection.ts'
import { AppError } from '../../errors.ts'
import { requireTable } from '../../schema/require-table.ts'
import { LINE_COLUMNS, LINE_TABLES, type LineType } from '../jsonl.ts'

/**
 * Makes sure that the tables which these kinds of lines are made of are there, with all their columns. Throws
 * CHECK_FAILED where one is missing, PENDING where the database is older than they are.
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

/** What every export is made of. */
export const CHAT_LINES = ['agent', 'session', 'message'] as const
