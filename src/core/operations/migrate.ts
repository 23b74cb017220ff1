import { backupFolder, backupName, copyToBackup } from '../backup/backup.ts'
import type { CopyOptions } from '../copy/copy.ts'
import { type Database, inTransaction } from '../database/database.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { type AppliedStep, applyStep } from '../schema/apply-step.ts'
import { readApplied } from '../schema/ledger.ts'
import { recordBesideOthers } from '../schema/ledger-changes.ts'
import { explainStop, type Target } from '../schema/migration-errors.ts'
import { type AppliedMigration, currentVersion, type Step } from '../schema/migrations.ts'
import { type CheckedPlan, checkPlan, type Plan } from '../schema/other-tables.ts'

export type { AppliedStep } from '../schema/apply-step.ts'

/** The result of a migration. */
export interface MigrationReport {
  from: number
  to: number
  steps: AppliedStep[]
  /** The backup made before the first step; null when none was needed or wanted. */
  backup: string | null
}

/** Options for a migration: what to apply, and how carefully. */
export interface MigrateOptions {
  /** Plans the steps, given what is applied; called again once the database is locked. */
  plan: Plan
  /** Options for the backup to `backups/` before the first step; false for no backup. */
  backup: CopyOptions | false
  /** Allow adding tables beside those of another program. */
  addTables?: boolean
  /** The kind of database to migrate, for error messages; the database by default. */
  target?: Target
  /** Aborting it stops before the next statement; the error then has its reason as `cause`. */
  signal?: AbortSignal
  now?: () => Date
}

/**
 * Applies a plan, one transaction per step, including its version row. A second process that migrates at the
 * same time waits and finds nothing left to do. Throws MIGRATION_FAILED when the database holds tables of
 * another program, and when a step failed: it was rolled back, the steps before it stay applied, and the
 * message says so and names the backup.
 */
export async function migrate(db: Database, options: MigrateOptions): Promise<MigrationReport> {
  return db.exclusively(async (writer) => {
    const first = await checkPlan(writer, options.plan, { ...options, path: db.facts.path })
    const version = currentVersion(first.applied)
    const report: MigrationReport = { from: version, to: version, steps: [], backup: null }
    if (first.steps.length === 0) return report
    // Inside a transaction this pragma has no effect, and dropping a parent table would then empty its
    // children.
    await writer.exec('PRAGMA foreign_keys = OFF')
    try {
      await applyAll(db, writer, options, report)
      options.signal?.throwIfAborted()
    } catch (error) {
      throw await explainStop(error, writer, report, options)
    } finally {
      await writer.exec('PRAGMA foreign_keys = ON')
    }
    if (!first.besideOthers) await switchToWal(writer)
    return report
  })
}

async function applyAll(
  db: Database,
  writer: Connection,
  options: MigrateOptions,
  report: MigrationReport,
): Promise<void> {
  const { signal, now = () => new Date() } = options
  let plan: CheckedPlan | undefined
  let steps: Step[] = []
  do {
    signal?.throwIfAborted()
    const done = await inTransaction(writer, async () => {
      await db.refuseReplaced()
      const applied = await readApplied(writer)
      if (!plan) {
        plan = await startPlan(db, writer, options, now, report)
        steps = [...plan.steps]
      }
      const step = steps.shift()
      if (!step) return undefined
      refuseInterference(applied, report)
      const applies = await applyStep(writer, step, now(), signal)
      if (plan.joinsOthers) await recordBesideOthers(writer)
      return applies
    })
    if (!done) return
    report.steps.push(done)
    report.to = done.direction === 'up' ? done.version : done.version - 1
  } while (steps.length > 0)
}

/** With the write lock held: creates the current plan, and a backup of exactly this state. */
async function startPlan(
  db: Database,
  writer: Connection,
  { plan, backup, addTables }: MigrateOptions,
  now: () => Date,
  report: MigrationReport,
): Promise<CheckedPlan> {
  const checked = await checkPlan(writer, plan, { path: db.facts.path, addTables })
  report.from = currentVersion(checked.applied)
  report.to = report.from
  if (backup && checked.steps.length > 0 && checked.hasTables) {
    const { realPath } = db.facts
    const reason = `before-migrating-v${report.from}`
    const name = backupName(backupFolder(realPath), realPath, now(), reason)
    report.backup = (await copyToBackup(db, name, { now, ...backup, locked: true })).path
  }
  return checked
}

function refuseInterference(applied: AppliedMigration[], report: MigrationReport): void {
  if (currentVersion(applied) === report.to) return
  throw new AppError('MIGRATION_FAILED', 'another program changed the schema version between two steps', {
    hint: { step: 'migration_status' },
  })
}

/**
 * Switches to WAL mode from the rollback-journal mode that other programs create; a file in use at the moment
 * keeps its mode.
 */
async function switchToWal(writer: Connection): Promise<void> {
  await writer.exec('PRAGMA journal_mode = WAL').catch((error) => {
    // The migration is done: the journal mode from here on is no reason to report a failure.
    if (!(error instanceof AppError)) throw error
  })
}
