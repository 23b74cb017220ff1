import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from './errors.ts'

/** One version of the schema: a pair of SQL files, `<4 digits>_<name>.up.sql` and `.down.sql`. */
export interface Migration {
  version: number
  name: string
  up: string
  down: string
  /** SHA-256 of the up file, hex. */
  checksum: string
}

/** A version that a database says it has; the checksum is null where another program applied it. */
export interface AppliedMigration {
  version: number
  applied_at: string | null
  checksum: string | null
}

/** One migration to apply or undo. */
export interface Step {
  direction: 'up' | 'down'
  migration: Migration
}

/** How a migration's files and the database agree on it. */
export interface MigrationState {
  version: number
  name: string | null
  state: 'applied' | 'pending' | 'missing' | 'edited'
  applied_at: string | null
  checksum: string | null
}

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.(up|down)\.sql$/
const OWN_TRANSACTION =
  /^\s*(BEGIN(\s+(DEFERRED|IMMEDIATE|EXCLUSIVE))?(\s+TRANSACTION)?\s*;|COMMIT\b|ROLLBACK\b)/im

/**
 * The migrations of a folder, by version from 1. Throws MIGRATION_FAILED, naming the file, for a name that does not
 * fit, a missing half of a pair, a gap, two files of one version, and SQL that begins or ends a transaction.
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const { createHash } = await import('node:crypto') // not loaded by commands that only compare versions
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const halves = new Map<string, string>()
  for (const name of names) {
    const [, version, title, direction] =
      FILE_NAME.exec(name) ?? refuse(`${name} is not named like 0001_name.up.sql`)
    const half = `${Number(version)}.${direction}`
    if (halves.has(half)) refuse(`${halves.get(half)} and ${name} both claim version ${Number(version)}`)
    halves.set(half, name)
    const twin = `${version}_${title}.${direction === 'up' ? 'down' : 'up'}.sql`
    if (!names.includes(twin)) refuse(`${name} has no ${twin} beside it`)
  }
  const migrations: Migration[] = []
  for (let version = 1; version <= halves.size / 2; version++) {
    const upName =
      halves.get(`${version}.up`) ?? refuse(`version ${version} is missing between the files that are there`)
    const downName = upName.replace(/up\.sql$/, 'down.sql')
    const [up, down] = await Promise.all(
      [upName, downName].map((name) => readFile(join(folder, name), 'utf8')),
    )
    if (up === undefined || down === undefined) throw new Error('a migration was not read')
    for (const [name, sql] of [
      [upName, up],
      [downName, down],
    ] as const) {
      if (OWN_TRANSACTION.test(sql))
        refuse(`${name} begins or ends a transaction; each step already runs in one`)
    }
    const checksum = createHash('sha256').update(up).digest('hex')
    migrations.push({ version, name: FILE_NAME.exec(upName)?.[2] ?? '', up, down, checksum })
  }
  return migrations
}

/** The newest version that these files can reach. */
export function latestVersion(migrations: Migration[]): number {
  return migrations.length
}

/** The version of a database that these migrations were applied to; 0 when there are none. */
export function currentVersion(applied: AppliedMigration[]): number {
  return Math.max(0, ...applied.map(({ version }) => version))
}

/** Each version that the files or the database know, and how the two agree. */
export function migrationStates(migrations: Migration[], applied: AppliedMigration[]): MigrationState[] {
  const done = new Map(applied.filter(({ version }) => version > 0).map((row) => [row.version, row]))
  const current = currentVersion(applied)
  const known = migrations.map(({ version, name, checksum }): MigrationState => {
    const row = done.get(version)
    // A file made elsewhere may record only its newest version: what lies below that is applied as well.
    const state =
      version > current ? 'pending' : row?.checksum && row.checksum !== checksum ? 'edited' : 'applied'
    return { version, name, state, applied_at: row?.applied_at ?? null, checksum }
  })
  const unknown = [...done.values()]
    .filter(({ version }) => version > latestVersion(migrations))
    .map(
      ({ version, applied_at, checksum }): MigrationState => ({
        version,
        name: null,
        state: 'missing',
        applied_at,
        checksum,
      }),
    )
  return [...known, ...unknown]
}

/**
 * The steps that bring a database from what is applied to `target`, in order; none when it is there. Throws
 * MIGRATION_FAILED when an applied migration was edited or is unknown here, USAGE when there is no such version or it
 * lies in the other direction.
 */
export function planMigrations(
  migrations: Migration[],
  applied: AppliedMigration[],
  direction: 'up' | 'down',
  target: number,
): Step[] {
  const current = currentVersion(applied)
  refuseUnknown(migrations, applied)
  if (!Number.isInteger(target) || target < 0 || target > latestVersion(migrations)) {
    throw new AppError('USAGE', `there is no schema version ${target}`, {
      hint: `versions go from 0 (no tables) to ${latestVersion(migrations)}; see libreollama-db migrate status`,
    })
  }
  if (direction === 'up' ? target < current : target > current) {
    throw new AppError(
      'USAGE',
      `the database is at version ${current}; ${target} lies in the other direction`,
      {
        hint: `libreollama-db migrate ${direction === 'up' ? 'down' : 'up'} --to ${target}`,
      },
    )
  }
  return direction === 'up'
    ? migrations.filter(({ version }) => version > current && version <= target).map(stepUp)
    : migrations
        .filter(({ version }) => version <= current && version > target)
        .reverse()
        .map(stepDown)
}

/** The steps that undo the newest applied migration and apply it again. */
export function planRedo(migrations: Migration[], applied: AppliedMigration[]): Step[] {
  refuseUnknown(migrations, applied)
  const newest = migrations[currentVersion(applied) - 1]
  return newest ? [stepDown(newest), stepUp(newest)] : []
}

const stepUp = (migration: Migration): Step => ({ direction: 'up', migration })
const stepDown = (migration: Migration): Step => ({ direction: 'down', migration })

function refuseUnknown(migrations: Migration[], applied: AppliedMigration[]): void {
  const states = migrationStates(migrations, applied)
  const missing = states.find(({ state }) => state === 'missing')
  if (missing) {
    refuse(
      `the database is at schema version ${currentVersion(applied)}, this program knows versions up to ${latestVersion(migrations)}`,
      'a newer program made it: update libreollama-db. Reading works with this one, migrating does not',
    )
  }
  const edited = states.find(({ state }) => state === 'edited')
  if (edited) {
    refuse(
      `migration ${edited.version} (${edited.name}) was edited after it was applied`,
      'put the file back as it was, and write the change as a new migration; see libreollama-db migrate status',
    )
  }
}

function refuse(
  message: string,
  hint = 'put the migrations folder back as it was shipped: reinstall libreollama-db',
): never {
  throw new AppError('MIGRATION_FAILED', message, { hint })
}
