import { type CopyOptions, makeProvenCopy, openingToCopy, sharedSource } from '../copy/copy.ts'
import { structureProblems } from '../copy/inspect.ts'
import { type DatabaseOptions, withDatabase } from '../database/database.ts'
import { examineFile } from '../files/file-facts.ts'
import { discardDatabase } from '../files/new-file.ts'
import { namesFor, recover } from '../files/recovery.ts'
import { countOrphans } from '../schema/apply-step.ts'
import type { Migration } from '../schema/migrations.ts'
import { checkPlan } from '../schema/other-tables.ts'
import { countRows, type RowCounts } from '../schema/row-counts.ts'
import { type Finding, verifySchema } from '../schema/schema-check.ts'
import { type MigrateOptions, type MigrationReport, migrate } from './migrate.ts'

/** The effect of a plan on a copy, which has been discarded. */
export interface Rehearsal extends MigrationReport {
  rows_before: RowCounts
  rows_after: RowCounts
  /** Rows that refer to missing records afterwards. */
  orphans: number
  /** Differences from the migrations' schema afterwards. */
  drift: Finding[]
  /** Problems that SQLite finds afterwards. */
  problems: string[]
  /** The time that the steps took on this machine. */
  duration_ms: number
}

/** Runs a plan on an encrypted copy of the database, which may be in use, and discards the copy. */
export async function rehearse(
  options: DatabaseOptions &
    CopyOptions &
    Pick<MigrateOptions, 'plan' | 'addTables'> & { migrations: Migration[] },
): Promise<Rehearsal> {
  const { now = () => new Date(), plan, addTables, signal, migrations } = options
  const { realPath } = await examineFile(options.path)
  await recover(realPath)
  const { made } = namesFor(realPath, 'rehearse', now())
  try {
    await withDatabase({ ...options, ...(await openingToCopy(realPath)) }, async (db) => {
      if (!db.key) throw new Error('a plaintext file is not migrated')
      // Before anything is copied, and with the path of the database, not of its copy.
      await db.read((reader) => checkPlan(reader, plan, { path: options.path, addTables }))
      await makeProvenCopy(sharedSource(db), made, db.key, options)
    })
    return await withDatabase({ ...options, path: made, access: 'write' }, async (db) => {
      const rows_before = await db.read(countRows)
      const began = performance.now()
      const report = await migrate(db, { plan, addTables, backup: false, target: 'copy', signal, now })
      return {
        ...report,
        duration_ms: Math.round(performance.now() - began),
        rows_before,
        rows_after: await db.read(countRows),
        orphans: await db.read(countOrphans),
        drift: await db.read(async (reader) => (await verifySchema(reader, migrations)).findings),
        problems: await db.read(structureProblems),
      }
    })
  } finally {
    await discardDatabase(made)
  }
}
