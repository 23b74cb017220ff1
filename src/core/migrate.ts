import { backupFolder, backupName, copyToBackup } from './backup.ts'
import type { Connection } from './connection.ts'
import type { CopyOptions } from './copy.ts'
import { type Database, inTransaction } from './database.ts'
import { AppError } from './errors.ts'
import { readApplied, recordApplied, recordUndone } from './ledger.ts'
import { type AppliedMigration, currentVersion, type Step } from './migrations.ts'
import { countRows, type RowCounts } from './row-counts.ts'
import { formatTimestamp } from './timestamp.ts'

/** What a migration did. */
export interface MigrationReport {
  from: number
  to: number
  steps: AppliedStep[]
  /** The copy that was made before the first step; null when none was needed or wanted. */
  backup: string | null
}

/** One step that was applied. */
export interface AppliedStep {
  version: number
  name: string
  direction: 'up' | 'down'
  duration_ms: number
  /** Rows that went with the tables that this step dropped. */
  dropped: RowCounts
}

/** What to apply, and how carefully. */
export interface MigrateOptions {
  /** What to do, given what is applied; asked again once the database is locked. */
  plan: (applied: AppliedMigration[]) => Step[]
  /** How the file is copied to `backups/` before the first step; false for no copy. */
  backup: CopyOptions | false
  now?: () => Date
}

/**
 * Applies a plan, one transaction a step, its version row included. A second process that migrates at the same time
 * waits and finds it done. Throws MIGRATION_FAILED when a step was rolled back; the steps before it stay.
 */
export async function migrate(db: Database, { plan, backup, now = () => new Date() }: MigrateOptions) {
  return db.exclusively(async (writer): Promise<MigrationReport> => {
    const before = await readApplied(writer)
    const report: MigrationReport = {
      from: currentVersion(before),
      to: currentVersion(before),
      steps: [],
      backup: null,
    }
    if (plan(before).length === 0) return report
    // Another program's file may be in rollback-journal mode; from its first migration on it is as ours are.
    await writer.exec('PRAGMA journal_mode = WAL')
    // Inside a transaction this pragma does nothing, and dropping a parent table would then empty its children.
    await writer.exec('PRAGMA foreign_keys = OFF')
    try {
      let steps: Step[] | undefined
      do {
        await inTransaction(writer, async () => {
          await db.refuseReplaced()
          const applied = await readApplied(writer)
          steps ??= await startPlan(db, applied, plan, backup, now, report)
          const step = steps.shift()
          if (!step) return
          refuseInterference(applied, report)
          report.steps.push(await applyStep(writer, step, now()))
          report.to = step.direction === 'up' ? step.migration.version : step.migration.version - 1
        })
      } while (steps && steps.length > 0)
    } finally {
      await writer.exec('PRAGMA foreign_keys = ON')
    }
    return report
  })
}

/** With the write lock held: the plan as it is now, and the copy of exactly this state. */
async function startPlan(
  db: Database,
  applied: AppliedMigration[],
  plan: MigrateOptions['plan'],
  backup: MigrateOptions['backup'],
  now: () => Date,
  report: MigrationReport,
): Promise<Step[]> {
  const steps = [...plan(applied)]
  report.from = currentVersion(applied)
  report.to = report.from
  if (backup && steps.length > 0 && report.from > 0) {
    const { realPath } = db.facts
    const reason = `before-migrating-v${report.from}`
    const name = backupName(backupFolder(realPath), realPath, now(), reason)
    report.backup = (await copyToBackup(db, name, { now, ...backup, locked: true })).path
  }
  return steps
}

function refuseInterference(applied: AppliedMigration[], report: MigrationReport): void {
  if (currentVersion(applied) === report.to) return
  throw new AppError('MIGRATION_FAILED', 'another program changed the schema version between two steps', {
    hint: 'libreollama-db migrate status shows where the database is now',
  })
}

async function applyStep(
  writer: Connection,
  { direction, migration }: Step,
  appliedAt: Date,
): Promise<AppliedStep> {
  const { version, name } = migration
  const began = performance.now()
  try {
    const rows = await countRows(writer)
    const orphans = await countOrphans(writer)
    if (direction === 'down') await recordUndone(writer, migration)
    await writer.exec(migration[direction])
    if (direction === 'up') await recordApplied(writer, migration, formatTimestamp(appliedAt))
    const dropped = lostRows(rows, await countRows(writer))
    const newOrphans = (await countOrphans(writer)) - orphans
    if (newOrphans > 0) throw new Error(`it leaves ${newOrphans} rows that point at nothing`)
    return { version, name, direction, duration_ms: Math.round(performance.now() - began), dropped }
  } catch (error) {
    // A lock, a full disk or damage says more under its own code; everything else means that the step itself failed.
    if (error instanceof AppError && error.code !== 'INVALID') throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError(
      'MIGRATION_FAILED',
      `migration ${version} (${name}, ${direction}) was rolled back: ${reason}`,
      {
        hint: 'the database is as it was before this step: libreollama-db migrate status',
        cause: error,
      },
    )
  }
}

/** Rows of dropped tables. A table that stays must keep its rows; throws when one lost some. */
function lostRows(before: RowCounts, after: RowCounts): RowCounts {
  const dropped: RowCounts = {}
  for (const [table, rows] of Object.entries(before)) {
    const left = after[table]
    if (left === undefined) dropped[table] = rows
    else if (left < rows && !BOOKKEEPING.has(table))
      throw new Error(`${table} had ${rows} rows and now has ${left}`)
  }
  return dropped
}

const BOOKKEEPING = new Set(['schema_version', 'migration_checksums'])

/** Rows that point at a record that does not exist. */
export async function countOrphans(connection: Connection): Promise<number> {
  const row = await connection.get<{ orphans: number }>(
    'SELECT count(*) AS orphans FROM pragma_foreign_key_check',
  )
  return row?.orphans ?? 0
}
