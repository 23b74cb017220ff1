import { randomBytes } from 'node:crypto'
import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type DatabaseOptions, withDatabase } from './database.ts'
import { explainSystemError, systemErrorCode } from './errors.ts'
import { exists } from './file-facts.ts'
import { readApplied } from './ledger.ts'
import { migrate } from './migrate.ts'
import {
  type AppliedMigration,
  currentVersion,
  latestVersion,
  type Migration,
  planMigrations,
} from './migrations.ts'
import { createFile, discardDatabase, makeFolderFor, publishFile } from './new-file.ts'
import { writeDefaultSettings } from './settings.ts'

/** Which database to make, and by which migrations. */
export interface InitOptions extends Omit<DatabaseOptions, 'access'> {
  migrations: Migration[]
  now?: () => Date
}

/** What `init` found and did. */
export interface InitReport {
  path: string
  schema_version: number
  /** Whether the database was made by this call. */
  created: boolean
  /** The versions that this call applied. */
  applied: number[]
  /** The copy made before an existing database was migrated. */
  backup: string | null
}

/**
 * Makes the encrypted database at `path` at the latest version with the default settings, or brings an existing one
 * to it. Changes nothing when that is so already. A new one appears under its name only when it is complete.
 */
export async function initDatabase(options: InitOptions): Promise<InitReport> {
  await discardAbandoned(options.path, options.now?.() ?? new Date())
  return (await exists(options.path)) ? bringUpToDate(options) : create(options)
}

async function bringUpToDate(options: InitOptions): Promise<InitReport> {
  const plan = upPlan(options.migrations)
  const applied = await withDatabase(options, (db) => db.read(readApplied))
  const report = { path: options.path, created: false }
  if (plan(applied).length === 0) {
    return { ...report, schema_version: currentVersion(applied), applied: [], backup: null }
  }
  const done = await withDatabase({ ...options, access: 'write' }, (db) =>
    migrate(db, { plan, now: options.now }),
  )
  const versions = done.steps.map(({ version }) => version)
  return { ...report, schema_version: done.to, applied: versions, backup: done.backup }
}

async function create(options: InitOptions): Promise<InitReport> {
  const { path, migrations, now = () => new Date() } = options
  const latest = latestVersion(migrations)
  const unfinished = `${path}.new-${randomBytes(4).toString('hex')}`
  const [...keys] = await options.keys()
  await makeFolderFor(path)
  try {
    await createFile(unfinished)
    const own = { ...options, path: unfinished, keys: async () => keys.slice(0, 1) }
    await withDatabase({ ...own, access: 'create' }, async (db) => {
      await migrate(db, { plan: upPlan(migrations), backup: false, now })
      await db.transaction((writer) => writeDefaultSettings(writer, now()))
    })
    const made = await withDatabase(own, (db) => db.read(readApplied))
    if (currentVersion(made) !== latest)
      throw new Error('the new database does not have the version it was given')
    await publishFile(unfinished, path)
    return {
      path,
      schema_version: latest,
      created: true,
      applied: migrations.map(({ version }) => version),
      backup: null,
    }
  } catch (error) {
    await discardDatabase(unfinished)
    // Another process made one under this name meanwhile: then that one is the database.
    if (systemErrorCode(error) === 'EEXIST') return bringUpToDate(options)
    throw explainSystemError(error, path)
  }
}

/** Removes what an earlier call left that was killed before it could finish; a call takes seconds, never minutes. */
async function discardAbandoned(path: string, now: Date): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const unfinished = join(dirname(path), name)
    if (!name.startsWith(`${basename(path)}.new-`) || !/\.new-[0-9a-f]{8}$/.test(name)) continue
    const changed = await lstat(unfinished).then(
      ({ mtimeMs }) => mtimeMs,
      () => now.getTime(), // gone already
    )
    if (now.getTime() - changed > 60_000) await discardDatabase(unfinished).catch(() => {})
  }
}

const upPlan = (migrations: Migration[]) => (applied: AppliedMigration[]) => {
  return planMigrations(migrations, applied, 'up', latestVersion(migrations))
}
