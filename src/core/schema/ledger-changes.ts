import type { Connection } from '../engine/connection.ts'
import { ignoredError, refuseIgnored } from './ignored-changes.ts'
import { BESIDE_OTHERS, LEDGER_TABLE, readLedger } from './ledger.ts'
import type { Migration } from './migrations.ts'

/**
 * Records, once, that the tables are beside those of another program; part of the transaction that adds the
 * first of them.
 */
export async function recordBesideOthers(connection: Connection): Promise<void> {
  await connection.run(
    `INSERT OR IGNORE INTO ${LEDGER_TABLE} (version, name, sha256) VALUES (?, 'beside other tables', '')`,
    [BESIDE_OTHERS],
  )
}

/** Records a version as applied; part of the transaction that applies it. */
export async function recordApplied(
  connection: Connection,
  migration: Migration,
  appliedAt: string,
): Promise<void> {
  await connection.run(MAKE_LEDGER)
  const changed = await connection.run('INSERT INTO schema_version (version, applied_at) VALUES (?, ?)', [
    migration.version,
    appliedAt,
  ])
  await refuseIgnored(connection, 'schema_version', 'insert', { changed, meant: 1 })
  await connection.run(`INSERT OR REPLACE INTO ${LEDGER_TABLE} (version, name, sha256) VALUES (?, ?, ?)`, [
    migration.version,
    migration.name,
    migration.checksum,
  ])
}

/**
 * Removes the record of a version; part of the transaction that rolls it back, before its tables are dropped.
 */
export async function recordUndone(connection: Connection, migration: Migration): Promise<void> {
  await connection.run('DELETE FROM schema_version WHERE version = ?', [migration.version])
  if (await connection.get('SELECT 1 FROM schema_version WHERE version = ?', [migration.version]))
    throw await ignoredError(connection, 'schema_version', 'delete')
  if ((await readLedger(connection)) === 'none') return
  await connection.run(`DELETE FROM ${LEDGER_TABLE} WHERE version = ?`, [migration.version])
}

/**
 * Settles the ledger after version 1 was rolled back, in the same transaction: with nothing else in the file
 * the ledger is dropped too; beside tables of another program it stays, empty, and records that this program
 * may add its own again.
 */
export async function settleLedger(connection: Connection): Promise<void> {
  const others = await connection.get(
    `SELECT 1 FROM sqlite_schema
     WHERE type IN ('table', 'view') AND name <> ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    [LEDGER_TABLE],
  )
  await connection.run(others ? MAKE_LEDGER : `DROP TABLE IF EXISTS ${LEDGER_TABLE}`)
}

const MAKE_LEDGER = `CREATE TABLE IF NOT EXISTS ${LEDGER_TABLE} (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL)`
