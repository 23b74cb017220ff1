import { type Backup, createBackup } from './core/backup/backup.ts'
import { databaseHealthCheck as checkHealth, type HealthReport } from './core/checks/health.ts'
import { type Database, type DatabaseOptions, withDatabase as openWith } from './core/database/database.ts'
import { parseKey } from './core/keys/key.ts'
import { settleKeyFile } from './core/keys/key-file.ts'
import { readKeys } from './core/keys/key-source.ts'
import { type InitReport, initDatabase as initWith } from './core/operations/init.ts'
import { type MigrationReport, migrate } from './core/operations/migrate.ts'
import { type RekeyReport, rekeyDatabase as rekeyWith } from './core/operations/rekey.ts'
import { type RestoreReport, restoreDatabase } from './core/operations/restore.ts'
import { latestVersion, planMigrations } from './core/schema/migrations.ts'
import { type SchemaReport, verifySchema as verifyWith } from './core/schema/schema-check.ts'
import { type ExportReport, exportChats } from './core/transfer/export/export-chats.ts'
import { atOneMoment, type ExportSelection } from './core/transfer/export/exported-chats.ts'
import { type ImportReport, importChats } from './core/transfer/import/import-chats.ts'
import type { ImportOptions } from './core/transfer/import/import-options.ts'
import { inspectElsewhere } from './helper-programs.ts'
import { shippedMigrations } from './shipped-migrations.ts'

export { type Advice, type Hint, hintWords } from './core/advice.ts'
export type { Backup } from './core/backup/backup.ts'
export type { Check, HealthReport } from './core/checks/health.ts'
export { type DatabaseStats, getDatabaseStats } from './core/checks/stats.ts'
export type { Database } from './core/database/database.ts'
export type { Connection, Row, StatementTiming, Value } from './core/engine/connection.ts'
export { AppError, OUTCOMES, type OutcomeCode } from './core/errors.ts'
export type { InitReport } from './core/operations/init.ts'
export type { AppliedStep, MigrationReport } from './core/operations/migrate.ts'
export type { RekeyReport } from './core/operations/rekey.ts'
export type { RestoreReport } from './core/operations/restore.ts'
export type { Agent } from './core/records/entities/agent.ts'
export type { AgentExecution } from './core/records/entities/execution.ts'
export type { ChatMessage } from './core/records/entities/message.ts'
export type { ChatSession } from './core/records/entities/session.ts'
export type { Setting } from './core/records/entities/setting.ts'
export type { ListOptions } from './core/records/list-records.ts'
export type { Deletion } from './core/records/repository.ts'
export { queryBuilder, type Tables } from './core/records/tables.ts'
export type { Finding, SchemaReport } from './core/schema/schema-check.ts'
export type { Hit, SearchOptions } from './core/search/search.ts'
export type { ExportReport } from './core/transfer/export/export-chats.ts'
export type { ExportSelection } from './core/transfer/export/exported-chats.ts'
export type { ImportReport } from './core/transfer/import/import-chats.ts'
export type { ImportOptions } from './core/transfer/import/import-options.ts'
export * from './records.ts'

/** Which file, and exactly one of `key` and `keyFile`. */
export interface OpenOptions extends Omit<DatabaseOptions, 'keys'> {
  /** A passphrase, or a raw key `x'<64 or 96 hex digits>'`. */
  key?: string
  /** A file with the key on one line. */
  keyFile?: string
}

/**
 * Opens the database, runs `work`, closes it. Reading is the default; `access: 'write'` allows transactions.
 * Throws an AppError that says why a file does not open.
 */
export function withDatabase<T>(options: OpenOptions, work: (db: Database) => Promise<T>): Promise<T> {
  return openWith(resolved(options), work)
}

/**
 * Makes the encrypted database at `path` with all tables and default settings, or brings it to the latest
 * version. Throws MIGRATION_FAILED when the file holds tables of another program, unless `addTables` says
 * that these may stand beside them; a proven copy comes first then.
 */
export async function initDatabase(
  options: Omit<OpenOptions, 'access'> & { addTables?: boolean },
): Promise<InitReport> {
  const database = { ...resolved(options), migrations: await shippedMigrations(), inspect: inspectElsewhere }
  const { keyFile } = options
  if (keyFile === undefined) return initWith(database)
  const read = async () => {
    const [key] = await database.keys()
    if (!key) throw new Error('a key file gave no key')
    return key
  }
  return initWith({ ...database, newKey: { read, store: () => settleKeyFile(keyFile) } })
}

/** Applies what is pending, after making a copy of the file. `addTables` as for `initDatabase`. */
export async function runMigrations(
  db: Database,
  { addTables = false }: { addTables?: boolean } = {},
): Promise<MigrationReport> {
  const migrations = await shippedMigrations()
  return migrate(db, {
    addTables,
    backup: { inspect: inspectElsewhere },
    plan: (applied) => planMigrations(migrations, applied, 'up', latestVersion(migrations)),
  })
}

/** Compares the schema with what the migrations make. */
export async function verifySchema(db: Database): Promise<SchemaReport> {
  const migrations = await shippedMigrations()
  return db.read((reader) => verifyWith(reader, migrations))
}

/** Checks the database without changing it; `quick` leaves out what reads the whole file. */
export async function databaseHealthCheck(
  options: Omit<OpenOptions, 'access'> & { quick?: boolean },
): Promise<HealthReport> {
  return checkHealth({ ...resolved(options), quick: options.quick, migrations: await shippedMigrations() })
}

/**
 * Makes a proven, encrypted copy in `folder`, or in `backups/` beside the database, while others may use it.
 */
export function backupDatabase(options: Omit<OpenOptions, 'access'> & { folder?: string }): Promise<Backup> {
  return createBackup({ ...resolved(options), folder: options.folder, inspect: inspectElsewhere })
}

/**
 * Puts the backup `from` in the place of the database, which is moved aside and kept. A healthy database of
 * which it is no backup, or which the key does not open, is replaced with `otherDatabase` only.
 */
export function restoreBackup(
  options: Omit<OpenOptions, 'access'> & { from: string; otherDatabase?: boolean; otherNames?: boolean },
): Promise<RestoreReport> {
  const { from, otherDatabase, otherNames } = options
  return restoreDatabase({ ...resolved(options), from, otherDatabase, otherNames, inspect: inspectElsewhere })
}

/** Gives the database another key, a passphrase or a raw one, on a proven copy that takes its place. */
export function rekeyDatabase(
  options: Omit<OpenOptions, 'access'> & { newKey: string; otherNames?: boolean },
): Promise<RekeyReport> {
  const read = async () => parseKey(Buffer.from(options.newKey), 'the new key')
  const { otherNames } = options
  return rekeyWith({ ...resolved(options), newKey: { read }, otherNames, inspect: inspectElsewhere })
}

/** Imports chats from a file, a folder or a zip archive into an open database; only what is new. */
export function importConversations(
  db: Database,
  path: string,
  options: Partial<Omit<ImportOptions, 'path'>> = {},
): Promise<ImportReport> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  return importChats(db, {
    from: 'auto',
    onConflict: 'skip',
    branches: 'active',
    include: new Set(),
    timeZone,
    dryRun: false,
    now: () => new Date(),
    ...options,
    path,
  })
}

/**
 * Writes chats to a new file, or a folder for formats with a file for each; what it writes is not encrypted.
 */
export function exportConversations(
  db: Database,
  out: string,
  { format = 'jsonl', ...selection }: ExportSelection & { format?: string } = {},
): Promise<ExportReport> {
  return atOneMoment(db, (reader) =>
    exportChats(reader, { format, selection, out, source: db.facts.realPath }),
  )
}

function resolved({ key, keyFile, ...options }: OpenOptions): DatabaseOptions {
  if ((key === undefined) === (keyFile === undefined)) throw new TypeError('name one of key and keyFile')
  return {
    ...options,
    explain: async (error, inquiry) => {
      const { explainFailure } = await import('./core/checks/explain-failure.ts')
      return explainFailure(error, inquiry, await shippedMigrations())
    },
    keys: async () =>
      keyFile === undefined
        ? [parseKey(Buffer.from(key ?? ''), 'the key')]
        : readKeys({ kind: 'file', path: keyFile }, { warn: () => {} }),
  }
}
