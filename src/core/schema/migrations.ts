import type { Hint } from '../advice.ts'
import { AppError } from '../errors.ts'
import { readStoredTime } from './stored-values.ts'

/** One version of the schema: a pair of SQL files, `<4 digits>_<name>.up.sql` and `.down.sql`. */
export interface Migration {
  version: number
  name: string
  up: string
  down: string
  /** SHA-256 of the up file with LF line ends, hex. */
  checksum: string
  /** The checksums of the same text with other line ends, which earlier releases recorded. */
  sameText?: string[]
}

/** A version that a database records as applied; the checksum is null when another program applied it. */
export interface AppliedMigration {
  version: number
  applied_at: string | null
  checksum: string | null
}

/** One migration to apply or roll back. */
export interface Step {
  direction: 'up' | 'down'
  migration: Migration
}

/** The state of a migration, compared between its files and the database. */
export interface MigrationState {
  version: number
  name: string | null
  state: 'applied' | 'pending' | 'missing' | 'edited'
  applied_at: string | null
  checksum: string | null
}

/** Returns the newest version that these migrations can reach. */
export function latestVersion(migrations: Migration[]): number {
  return migrations.length
}

/** Returns the current version of a database from its applied migrations; 0 when there are none. */
export function currentVersion(applied: AppliedMigration[]): number {
  return Math.max(0, ...applied.map(({ version }) => version))
}

/** Lists each version that the files or the database know, with its state. */
export function migrationStates(migrations: Migration[], applied: AppliedMigration[]): MigrationState[] {
  const done = new Map(applied.filter(({ version }) => version > 0).map((row) => [row.version, row]))
  const current = currentVersion(applied)
  const known = migrations.map(({ version, name, checksum, sameText = [] }): MigrationState => {
    const row = done.get(version)
    // A file made elsewhere may record only its newest version: all lower versions are applied as well.
    const edited = row?.checksum && row.checksum !== checksum && !sameText.includes(row.checksum)
    const state = version > current ? 'pending' : edited ? 'edited' : 'applied'
    return { version, name, state, applied_at: shownTime(row?.applied_at), checksum }
  })
  const unknown = [...done.values()]
    .filter(({ version }) => version > latestVersion(migrations))
    .map(
      ({ version, applied_at, checksum }): MigrationState => ({
        version,
        name: null,
        state: 'missing',
        applied_at: shownTime(applied_at),
        checksum,
      }),
    )
  return [...known, ...unknown]
}

/** Formats the time of a migration; another program may have stored a number. */
function shownTime(applied_at: string | null | undefined): string | null {
  if (applied_at === null || applied_at === undefined) return null
  return readStoredTime(/^-?[\d.]+$/.test(applied_at) ? Number(applied_at) : applied_at) ?? applied_at
}

/**
 * Plans the steps from what is applied to `target`, in order; none when the database is already there. Throws
 * MIGRATION_FAILED when an applied migration was edited or is unknown here, USAGE when there is no such
 * version or it lies in the other direction.
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
      hint: [`versions go from 0 (no tables) to ${latestVersion(migrations)}`, { step: 'migration_status' }],
    })
  }
  if (direction === 'up' ? target < current : target > current) {
    throw new AppError(
      'USAGE',
      `the database is at version ${current}; ${target} lies in the other direction`,
      {
        hint: { step: 'migrate', direction: direction === 'up' ? 'down' : 'up', to: target },
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

/** Plans the steps that roll back the newest applied migration and apply it again. */
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
      'a newer program made it: update this one, which reads the database but cannot migrate it',
    )
  }
  const edited = states.find(({ state }) => state === 'edited')
  if (edited) {
    refuse(`migration ${edited.version} (${edited.name}) was edited after it was applied`, [
      'put the file back as it was, and write the change as a new migration',
      { step: 'migration_status' },
    ])
  }
}

function refuse(message: string, hint: Hint): never {
  throw new AppError('MIGRATION_FAILED', message, { hint })
}
