import type { Connection } from '../engine/connection.ts'
import { readTimestamp } from '../timestamp.ts'
import type { AppliedMigration } from './migrations.ts'

/**
 * The table in which this program remembers what it applied. It stands beside Phase 2.1's `schema_version`,
 * whose columns are fixed, and belongs to no version of the schema.
 */
export const LEDGER_TABLE = 'migration_checksums'

/** The tables that say what was applied, with the columns without which they say nothing. */
const BOOKKEEPING = { schema_version: ['version'], [LEDGER_TABLE]: ['version', 'sha256'] }

/**
 * What the database says was applied. Empty for a database without `schema_version`, and where a table of
 * that name has another shape or holds versions that are no whole numbers: then it belongs to another
 * program.
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

/** The bookkeeping tables that are there in a shape that can be read, with their columns. */
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
 * Whether this program's own table is there, in its shape, and whether it says that it stands beside another
 * program's.
 */
export async function readLedger(connection: Connection): Promise<'none' | 'own' | 'beside others'> {
  if (!(await readBookkeeping(connection)).has(LEDGER_TABLE)) return 'none'
  const beside = await connection.get(`SELECT 1 FROM ${LEDGER_TABLE} WHERE version = ?`, [BESIDE_OTHERS])
  return beside ? 'beside others' : 'own'
}

/** The version in the ledger that is none: this program's tables were added to another program's database. */
export const BESIDE_OTHERS = 0

/**
 * When a database was made: its first version. Copies have the same, under whatever key; null where it cannot
 * be told.
 */
export function birthOf(applied: AppliedMigration[]): string | null {
  return applied.find(({ version }) => version === 1)?.applied_at ?? null
}
