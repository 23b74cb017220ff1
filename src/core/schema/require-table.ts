import type { Hint } from '../advice.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { readApplied } from './ledger.ts'
import { currentVersion } from './migrations.ts'
import { otherApplication } from './other-tables.ts'

/**
 * Requires a table that exists since schema version `since`. Throws PENDING when the database is older,
 * CHECK_FAILED, with `mend` as the hint, when it should have the table.
 */
export async function requireTable(
  connection: Connection,
  table: string,
  since = 1,
  mend: Hint = { step: 'compare_schema' },
): Promise<void> {
  if (await connection.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [table])) return
  const other = await otherApplication(connection)
  if (other) throw other
  const version = currentVersion(await readApplied(connection))
  if (version < since) {
    throw new AppError(
      'PENDING',
      `the database is at schema version ${version}; this needs version ${since}`,
      {
        hint: { step: 'migrate' },
      },
    )
  }
  throw new AppError('CHECK_FAILED', `the table ${table} is missing from the database`, {
    hint: mend,
  })
}
