import type { Connection } from './connection.ts'
import type { AppliedMigration, Migration } from './migrations.ts'
import { readTimestamp } from './timestamp.ts'

/**
 * The table in which this program remembers what it applied. It stands beside Phase 2.1's `schema_version`, whose
 * columns are fixed, and belongs to no version of the schema.
 */
export const LEDGER_TABLE = 'migration_checksums'

/** What the database says was applied; empty for a database without `schema_version`. */
export async function readApplied(connection: Connection): Promise<AppliedMigration[]> {
  const tables = await connection.all<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('schema_version', ?)",
    [LEDGER_TABLE],
  )
  const has = new Set(tables.map(({ name }) => name))
  if (!has.has('schema_version')) return []
  const rows = await connection.all<{ version: number; applied_at: string | null }>(
    'SELECT version, applied_at FROM schema_version ORDER BY version',
  )
  const checksums = has.has(LEDGER_TABLE)
    ? await connection.all<{ version: number; sha256: string }>(`SELECT version, sha256 FROM ${LEDGER_TABLE}`)
    : []
  const byVersion = new Map(checksums.map(({ version, sha256 }) => [version, sha256]))
  return rows.map(({ version, applied_at }) => ({
    version,
    applied_at: applied_at === null ? null : (readTimestamp(applied_at) ?? applied_at),
    checksum: byVersion.get(version) ?? null,
  }))
}

/** When a database was made: its first version. Copies have the same, under whatever key; null where it cannot be told. */
export function birthOf(applied: AppliedMigration[]): string | null {
  return applied.find(({ version }) => version === 1)?.applied_at ?? null
}

/** Records a version as applied; part of the transaction that applies it. */
export async function recordApplied(
  connection: Connection,
  migration: Migration,
  appliedAt: string,
): Promise<void> {
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${LEDGER_TABLE} (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL)`,
  )
  await connection.run('INSERT INTO schema_version (version, applied_at) VALUES (?, ?)', [
    migration.version,
    appliedAt,
  ])
  await connection.run(`INSERT OR REPLACE INTO ${LEDGER_TABLE} (version, name, sha256) VALUES (?, ?, ?)`, [
    migration.version,
    migration.name,
    migration.checksum,
  ])
}

/** Forgets a version; part of the transaction that undoes it, before its tables go. */
export async function recordUndone(connection: Connection, migration: Migration): Promise<void> {
  await connection.run('DELETE FROM schema_version WHERE version = ?', [migration.version])
  const ledger = await connection.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [
    LEDGER_TABLE,
  ])
  if (!ledger) return
  if (migration.version === 1) await connection.run(`DROP TABLE ${LEDGER_TABLE}`)
  else await connection.run(`DELETE FROM ${LEDGER_TABLE} WHERE version = ?`, [migration.version])
}
