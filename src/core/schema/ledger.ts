import type { Connection } from '../engine/connection.ts'
import { readTimestamp } from '../timestamp.ts'
import type { AppliedMigration } from './migrations.ts'

/**
 * The table in which this program records what it applied. It exists beside Phase 2.1's `schema_version`,
 * whose columns are fixed, and belongs to no version of the schema.
 */
export const LEDGER_TABLE = 'migration_checksums'

/** The tables that record applied versions, with the columns that they need in order to be usable. */
const BOOKKEEPING = { schema_version: ['version'], [LEDGER_TABLE]: ['version', 'sha256'] }

/**
 * Reads the applied versions from the database. Empty for a database without `schema_version`, and when a
 * table of that name has another shape or holds versions that are not whole numbers: then it belongs to
 * another program.
 */
export async function readApplied(connection: Connection): Promise<AppliedMigration[]> {
  const columns = await readBookkeeping(connection)
  const versions = columns.get('schema_version')
  if (!versions) return []
  const rows = await connection.all<{ version: unknown; applied_at: unknown }>(
    `SELECT version, ${versions.has('applied_at') ? 'applied_at' : 'NULL AS applied_at'}
     FROM schema_version ORDER BY version`,
  )
  if (!rows.every(({ version }) => Number.isInteger(version))) return []
  const checksums = columns.has(LEDGER_TABLE)
    ? await connection.all<{ version: number; sha256: string }>(`SELECT version, sha256 FROM ${LEDGER_TABLE}`)
    : []
  const byVersion = new Map(checksums.map(({ version, sha256 }) => [version, sha256]))
  return rows.map(({ version, applied_at }) => ({
    version: Number(version),
    applied_at: applied_at === null ? null : (readTimestamp(String(applied_at)) ?? String(applied_at)),
    checksum: byVersion.get(Number(version)) ?? null,
  }))
}

/** Returns the bookkeeping tables that exist in a readable shape, with their columns. */
async function readBookkeeping(connection: Connection): Promise<Map<string, Set<string>>> {
  const rows = await connection.all<{ name: string; columns: string }>(
    `SELECT name, (SELECT json_group_array(lower(name)) FROM pragma_table_info(sqlite_schema.name)) AS columns
     FROM sqlite_schema WHERE type = 'table' AND name IN (${Object.keys(BOOKKEEPING)
       .map(() => '?')
       .join()})`,
    Object.keys(BOOKKEEPING),
  )
  const found = rows.map(({ name, columns }) => [name, new Set<string>(JSON.parse(columns))] as const)
  return new Map(
    found.filter(([name, columns]) =>
      BOOKKEEPING[name as keyof typeof BOOKKEEPING]?.every((column) => columns.has(column)),
    ),
  )
}

/**
 * Reads whether this program's own table exists, in its shape, and whether it records that it is beside
 * another program's.
 */
export async function readLedger(connection: Connection): Promise<'none' | 'own' | 'beside others'> {
  if (!(await readBookkeeping(connection)).has(LEDGER_TABLE)) return 'none'
  const beside = await connection.get(`SELECT 1 FROM ${LEDGER_TABLE} WHERE version = ?`, [BESIDE_OTHERS])
  return beside ? 'beside others' : 'own'
}

/**
 * The reserved version in the ledger which records that this program's tables were added to another program's
 * database.
 */
export const BESIDE_OTHERS = 0

/**
 * Returns the time of a database's creation: that of its first version. Copies have the same, under whatever
 * key; null when it is not recorded.
 */
export function birthOf(applied: AppliedMigration[]): string | null {
  return applied.find(({ version }) => version === 1)?.applied_at ?? null
}
