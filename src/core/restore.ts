import type { Connection } from './connection.ts'
import { type CopyOptions, hashFile, type ProvenCopy, sharedSource } from './copy.ts'
import { type DatabaseOptions, withDatabase } from './database.ts'
import { AppError } from './errors.ts'
import { examineFile, exists } from './file-facts.ts'
import { birthOf, readApplied } from './ledger.ts'
import { followLinks } from './links.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { type Replacement, replaceDatabase, sealable } from './replace.ts'
import { refuseOtherUsers } from './sole-use.ts'
import { type Recovery, recover } from './unfinished.ts'
import { compareContent } from './verify-backup.ts'

export interface RestoreOptions extends DatabaseOptions, CopyOptions {
  /** The backup. `path` is where it is restored to. */
  from: string
  /** Refuse to replace any file. */
  toNew?: boolean
  /** Replace a database of which this is no backup. */
  otherDatabase?: boolean
}

/** What `restore` did. */
export interface RestoreReport {
  path: string
  from: string
  schema_version: number
  counts: Record<string, number>
  /** Where the file that was replaced is now, with what stood beside it; restoring that undoes this. */
  previous: string | null
  recovered: Recovery[]
}

/**
 * Puts what a backup holds in the place of the database, which is moved aside and kept. The backup is compared with its
 * manifest, and the copy of it with the backup, before anything moves. Throws CHECK_FAILED for a backup that is not
 * what it should be, LOCKED while another program has the database open, INVALID for a backup of another database.
 */
export async function restoreDatabase(options: RestoreOptions): Promise<RestoreReport> {
  const { from, path, toNew } = options
  const target = await followLinks(path)
  const recovered = await recover(target)
  if (toNew && (await exists(path))) {
    throw new AppError('IO', `there is a file at ${path} already; it was not overwritten`, {
      hint: 'name a new file with --to, or leave the option out to replace the database',
    })
  }
  const manifest = await readManifest(from)
  if (manifest) await refuseOtherBytes(from, manifest)
  const { signal, seal } = sealable(options.signal)
  const opening = { ...options, path: from, signal, access: 'read', copying: true, recover: false } as const
  const { copy, kept } = await withDatabase(opening, async (backup) => {
    const { key } = backup
    if (!key) throw new Error('a plaintext file is no backup')
    const place = (standing: Replacement['standing']) =>
      replaceDatabase({
        ...options,
        signal,
        operation: 'restore',
        path: target,
        source: sharedSource(backup),
        key,
        wal: true,
        standing,
        keep: true,
        check: async (_made, found) => refuseDifference(found, manifest, from),
        commit: async () => seal(),
      })
    if (!(await exists(target))) return place('free')
    if (backup.facts.id === (await examineFile(target)).id) throw sameFile(from)
    const standing = await readStanding(target, { ...options, signal })
    if (standing === 'unreadable') {
      await refuseOtherUsers(await examineFile(target))
      return place('unread')
    }
    if (!options.otherDatabase) refuseOtherDatabase(await backup.read(readBirth), standing.born, options)
    return withDatabase({ ...options, signal, path: target, access: 'write' }, (db) =>
      db.alone((_connection, sole) => place(sole)),
    )
  })
  return {
    path,
    from,
    schema_version: copy.content.schema_version,
    counts: copy.content.counts,
    previous: kept,
    recovered,
  }
}

function sameFile(from: string): AppError {
  return new AppError('INVALID', `${from} is the database itself`, {
    hint: 'name a backup: libreollama-db backup list shows them',
  })
}

/** When the database was made that stands there. One that does not open is the best of reasons to restore. */
async function readStanding(
  target: string,
  options: RestoreOptions,
): Promise<{ born: string | null } | 'unreadable'> {
  try {
    // One whose -wal has lost commits moves aside as it is, with its -wal.
    const opening = { ...options, path: target, access: 'read', onLostCommits: undefined } as const
    const born = await withDatabase(opening, (db) => db.read(readBirth))
    return { born }
  } catch (error) {
    if (error instanceof AppError && UNREADABLE.has(error.code)) return 'unreadable'
    throw error
  }
}

const UNREADABLE = new Set(['WRONG_KEY', 'CORRUPT', 'NO_DATABASE'])

const readBirth = (connection: Connection) => readApplied(connection).then(birthOf)

function refuseOtherDatabase(backup: string | null, standing: string | null, options: RestoreOptions): void {
  if (backup === standing || backup === null || standing === null) return
  throw new AppError('INVALID', `${options.from} is a backup of another database than ${options.path}`, {
    hint: 'restore it to a file of its own with --to <path>, or add --other-database to replace the database with it',
  })
}

async function refuseOtherBytes(from: string, manifest: Manifest): Promise<void> {
  const { kind } = await examineFile(from)
  if (kind !== 'file' || (await hashFile(from)) === manifest.sha256) return
  throw notTheBackup(from, 'its SHA-256 is not the one in its manifest')
}

function refuseDifference(copy: ProvenCopy, manifest: Manifest | undefined, from: string): void {
  const [difference] = manifest ? compareContent(copy, manifest) : copy.problems
  if (difference !== undefined) throw notTheBackup(from, difference)
}

function notTheBackup(from: string, difference: string): AppError {
  return new AppError('CHECK_FAILED', `${from} is not what it was when it was made: ${difference}`, {
    hint: 'libreollama-db backup list shows the others; nothing was changed',
  })
}
