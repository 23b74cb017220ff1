import type { CopyOptions } from '../copy/copy.ts'
import { type DatabaseOptions, withDatabase } from '../database/database.ts'
import { refuseIntruders } from '../database/diagnosis.ts'
import { commitKey, discardUnneeded, type NewKey, saltKey } from '../database/new-key.ts'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { exists } from '../files/file-facts.ts'
import { createFile, discardDatabase, finishFile, makeFolderFor, publishFile } from '../files/new-file.ts'
import { isBeingReplaced, namesFor, recover, untilPlaced } from '../files/recovery.ts'
import { refuseStrayLog } from '../files/stray-log.ts'
import { Key } from '../keys/key.ts'
import { writeDefaultSettings } from '../records/settings.ts'
import { readApplied } from '../schema/ledger.ts'
import {
  type AppliedMigration,
  currentVersion,
  latestVersion,
  type Migration,
  planMigrations,
} from '../schema/migrations.ts'
import { checkPlan } from '../schema/other-tables.ts'
import { migrate } from './migrate.ts'

/** Options that name the database to create, and its migrations. */
export interface InitOptions extends Omit<DatabaseOptions, 'access'>, CopyOptions {
  migrations: Migration[]
  /** Allow adding tables beside those of another program, after a backup. */
  addTables?: boolean
  /**
   * The key for a new database, when it has to be stored during its creation; otherwise the first of `keys`.
   */
  newKey?: NewKey
}

/** The result of `init`. */
export interface InitReport {
  path: string
  schema_version: number
  /** True when this call created the database. */
  created: boolean
  /** The versions that this call applied. */
  applied: number[]
  /** The backup made before an existing database was migrated. */
  backup: string | null
}

/**
 * Creates the encrypted database at `path` at the latest version with the default settings, or migrates an
 * existing one to it. Changes nothing when it is already there. A new one appears under its name only when it
 * is complete. Throws MIGRATION_FAILED, naming them, when the file holds tables of another program.
 */
export async function initDatabase(options: InitOptions): Promise<InitReport> {
  await recover(options.path)
  await untilPlaced(options.path)
  if (!(await exists(options.path)) && !(await isBeingReplaced(options.path))) return create(options)
  try {
    return await bringUpToDate(options)
  } catch (error) {
    // Another process was quicker, so the file for which this one generated a key is never created.
    await options.newKey?.discard?.()
    throw error
  }
}

async function bringUpToDate(options: InitOptions): Promise<InitReport> {
  const { path, addTables, signal, now } = options
  const plan = upPlan(options.migrations)
  const { applied, steps } = await withDatabase(options, (db) =>
    db.read((reader) => checkPlan(reader, plan, { path, addTables })),
  )
  const report = { path, created: false }
  if (steps.length === 0) {
    return { ...report, schema_version: currentVersion(applied), applied: [], backup: null }
  }
  const done = await withDatabase({ ...options, access: 'write' }, (db) =>
    migrate(db, { plan, addTables, backup: options, signal, now }),
  )
  const versions = done.steps.map(({ version }) => version)
  return { ...report, schema_version: done.to, applied: versions, backup: done.backup }
}

async function create(options: InitOptions): Promise<InitReport> {
  const { path, migrations, signal, now = () => new Date() } = options
  await refuseIntruders(path)
  const latest = latestVersion(migrations)
  const unfinished = namesFor(path, 'init', now()).made
  const newKey = options.newKey ?? { read: async () => firstOf(await options.keys()) }
  let salt: Buffer | undefined
  try {
    await refuseStrayLog(path)
    const salted = await saltKey(await newKey.read())
    salt = salted.salt
    await makeFolderFor(path)
    await createFile(unfinished)
    const own = { ...options, path: unfinished, keys: async () => [new Key(salted.literal)] }
    await withDatabase({ ...own, access: 'create' }, async (db) => {
      await migrate(db, { plan: upPlan(migrations), backup: false, target: 'new file', signal, now })
      await db.transaction((writer) => writeDefaultSettings(writer, now()))
    })
    await finishFile(unfinished)
    const made = await withDatabase(own, (db) => db.read(readApplied))
    if (currentVersion(made) !== latest)
      throw new Error('the new database does not have the version it was given')
    await commitKey(newKey, salted)
    await publishFile(unfinished, path)
    return {
      path,
      schema_version: latest,
      created: true,
      applied: migrations.map(({ version }) => version),
      backup: null,
    }
  } catch (error) {
    await discardDatabase(unfinished).catch(() => {}) // a later run removes it
    await discardUnneeded(newKey, path, undefined, salt)
    if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, path)
    // Another process created one under this name meanwhile: then that one is the database.
    await untilPlaced(path)
    if (!newKey.discard) return bringUpToDate(options)
    throw new AppError(
      'WRONG_KEY',
      `another program made a database at ${path} meanwhile, with a key of its own`,
      {
        hint: 'name the key of that database, or another path; the key that was generated here is gone again',
      },
    )
  }
}

function firstOf([key]: Key[]): Key {
  if (!key) throw new Error('making a database needs a key')
  return key
}

const upPlan = (migrations: Migration[]) => (applied: AppliedMigration[]) => {
  return planMigrations(migrations, applied, 'up', latestVersion(migrations))
}
