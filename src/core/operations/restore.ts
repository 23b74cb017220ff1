import { dirname } from 'node:path'
import type { Hint } from '../advice.ts'
import { nameFirst } from '../backup/backup.ts'
import { type Manifest, readManifest } from '../backup/manifest.ts'
import { compareContent } from '../backup/verify-backup.ts'
import { type CopyOptions, hashFile, type ProvenCopy, sharedSource } from '../copy/copy.ts'
import { type Replacement, replaceDatabase, sealable } from '../copy/replace.ts'
import { type Database, type DatabaseOptions, withDatabase } from '../database/database.ts'
import { patiently, refuseOtherUsers } from '../database/sole-use.ts'
import { LOCK_TIMEOUT } from '../engine/connect.ts'
import { AppError } from '../errors.ts'
import { examineFile, exists, identify } from '../files/file-facts.ts'
import { type Recovery, recover } from '../files/recovery.ts'
import { danglingTarget, describeTaken, followLinks } from '../files/symlinks.ts'
import { birthOf, readApplied } from '../schema/ledger.ts'
import { examineStanding, type Standing } from '../schema/replaced-database.ts'

export interface RestoreOptions extends DatabaseOptions, CopyOptions {
  /** The path of the backup; `path` is where to restore it. */
  from: string
  /** Refuse to replace any file. */
  toNew?: boolean
  /** Replace a database to which this backup does not belong, or may not belong. */
  otherDatabase?: boolean
  /** Called before a file is replaced, with the facts about it; throws to keep it. */
  confirm?: (standing: Standing) => Promise<void>
}

/** The result of `restore`. */
export interface RestoreReport {
  path: string
  from: string
  schema_version: number
  counts: Record<string, number>
  /** The new path of the replaced file, moved with the files beside it; restoring that undoes this. */
  previous: string | null
  /** Problems of the database that the backup is a copy of, which this database now has too. */
  problems: string[]
  recovered: Recovery[]
}

/**
 * Replaces the database with the content of a backup; the old database is moved aside and kept. The backup is
 * compared with its manifest, and its copy with the backup, before anything moves. Throws CHECK_FAILED for a
 * backup that does not match its manifest, LOCKED while another program has the database open, INVALID for a
 * backup of another database, and WRONG_KEY when the file at `path` may be a healthy database that only
 * another key opens.
 */
export async function restoreDatabase(options: RestoreOptions): Promise<RestoreReport> {
  const { from, path, toNew } = options
  const target = await followLinks(path)
  const recovered = await recover(target)
  if (toNew && (await exists(path))) {
    throw new AppError('IO', await describeTaken(path), {
      hint: { step: 'choose_path', role: 'restored_database', about: 'a new file' },
    })
  }
  await tellDangling(options)
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
    const backupSalt = backup.facts.samples.start.subarray(0, 16)
    const keyOfBackup = { literal: await key.literal(backupSalt), salt: backupSalt }
    const standing = await examineStanding(target, { ...options, signal }, keyOfBackup)
    if (!options.otherDatabase) await refuseOther(standing, backup, options)
    await options.confirm?.(standing)
    signal.throwIfAborted()
    if ((await identify(target)) !== standing.id) throw replacedMeanwhile(target)
    if (standing.unread) {
      const facts = await examineFile(target)
      await patiently(
        options.lockTimeout ?? LOCK_TIMEOUT,
        () => refuseOtherUsers(facts),
        () => signal.aborted,
      )
      return place('unread')
    }
    return withDatabase({ ...options, signal, path: target, access: 'write' }, (db) => {
      if (db.facts.id !== standing.id) throw replacedMeanwhile(target)
      return db.alone((_connection, sole) => place(sole))
    })
  })
  const problems = [...copy.problems, ...copy.orphans]
  if (problems.length > 0) {
    options.warn?.(`the backup is a faithful copy of a database with problems: ${nameFirst(problems)}`)
  }
  return {
    path,
    from,
    schema_version: copy.content.schema_version,
    counts: copy.content.counts,
    previous: kept,
    problems,
    recovered,
  }
}

/**
 * Warns of a link that leads to nothing: its target is the path of the file; the target's folder, which may
 * be on a disk that is not mounted, has to exist.
 */
async function tellDangling({ path, warn }: RestoreOptions): Promise<void> {
  const target = await danglingTarget(path)
  if (target === undefined) return
  if (!(await exists(dirname(target)))) {
    throw new AppError('IO', `${path} is a symbolic link to ${target}, and there is no such folder`, {
      hint: [
        'make the folder, or the disk that it is on, available',
        { step: 'choose_path', role: 'restored_database', about: 'another file to restore it to' },
      ],
    })
  }
  warn?.(`${path} is a symbolic link to ${target}, which does not exist; it is made there`)
}

function replacedMeanwhile(path: string): AppError {
  return new AppError('LOCKED', `${path} was replaced by another program a moment ago`, {
    hint: 'run the command again: nothing was changed by it',
  })
}

function sameFile(from: string): AppError {
  return new AppError('INVALID', `${from} is the database itself`, {
    hint: { step: 'list_backups' },
  })
}

const OTHER: Hint = { step: 'replace_other' }

/**
 * Throws unless the backup belongs to the database at `path`, or that file cannot be a healthy database; only
 * these are replaced without being asked for.
 */
async function refuseOther(
  standing: Standing,
  backup: Database,
  { from, path }: RestoreOptions,
): Promise<void> {
  if (standing.mayBeHealthy) {
    throw new AppError(
      'WRONG_KEY',
      `${path} may be a healthy database that another key opens: ${standing.unread?.message}`,
      { hint: OTHER },
    )
  }
  const salt = backup.facts.samples.start.subarray(0, 16).toString('hex')
  if (standing.unread && standing.born === undefined) {
    if (standing.salt === '' || standing.salt === salt) return
    throw new AppError(
      'INVALID',
      `${from} may be a backup of another database than ${path}, which is damaged: they have not the same salt`,
      { hint: OTHER },
    )
  }
  const born = birthOf(await backup.read(readApplied))
  if (born !== null && born === standing.born) return
  // When one of them does not record its creation, the salt that copies share decides.
  if ((born === null || standing.born === null) && salt === standing.salt) return
  throw new AppError('INVALID', `${from} is a backup of another database than ${path}`, { hint: OTHER })
}

async function refuseOtherBytes(from: string, manifest: Manifest): Promise<void> {
  const { kind } = await examineFile(from)
  if (kind !== 'file' || (await hashFile(from)) === manifest.sha256) return
  throw notTheBackup(from, 'its SHA-256 is not the one in its manifest')
}

function refuseDifference(copy: ProvenCopy, manifest: Manifest | undefined, from: string): void {
  const [difference] = manifest ? compareContent(copy, manifest) : []
  if (difference !== undefined) throw notTheBackup(from, difference)
}

function notTheBackup(from: string, difference: string): AppError {
  return new AppError('CHECK_FAILED', `${from} is not what it was when it was made: ${difference}`, {
    hint: ['nothing was changed', { step: 'list_backups' }],
  })
}
