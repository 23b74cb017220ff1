import { rm } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { type CopyOptions, hashFile, makeProvenCopy, openingToCopy, sharedSource } from '../copy/copy.ts'
import type { Inspection } from '../copy/inspect.ts'
import { type Database, type DatabaseOptions, withDatabase } from '../database/database.ts'
import { AppError, explainSystemError } from '../errors.ts'
import { examineFile, readSalt } from '../files/file-facts.ts'
import { discardDatabase, makeFolderFor, publishFile } from '../files/new-file.ts'
import { namesFor, recoverFolder, stampOf } from '../files/recovery.ts'
import { syncFolder } from '../files/sync-folder.ts'
import type { RowCounts } from '../schema/row-counts.ts'
import { formatTimestamp } from '../timestamp.ts'
import { type Manifest, manifestPath, writeManifest } from './manifest.ts'

/** A backup: an encrypted database under the key that its original had. */
export interface Backup {
  path: string
  /** Bytes. */
  bytes: number
  /** Of the file, hex. */
  sha256: string
  schema_version: number
  created_at: string
  counts: RowCounts
  /** When it was last found to be sound and to hold what it should; null when that failed. */
  verified_at: string | null
  /** What was wrong with the database itself, and so is with this copy; empty for a sound one. */
  problems: string[]
}

/** Where the backups of a database, links resolved, are when nobody names a folder. */
export const backupFolder = (database: string) => join(dirname(database), 'backups')

/**
 * Makes a proven copy while others may go on using the database: it holds what was committed at one moment.
 * It appears under its name, with its manifest, only when another process has found it equal.
 */
export async function createBackup(
  options: DatabaseOptions & CopyOptions & { folder?: string },
): Promise<Backup> {
  const { realPath } = await examineFile(options.path)
  const folder = options.folder ?? backupFolder(realPath)
  return withDatabase({ ...options, ...(await openingToCopy(realPath)) }, (db) =>
    copyToBackup(db, backupName(folder, realPath, now(options)), options),
  )
}

/** The same of a database that is open; `locked` says that the caller keeps others from committing. */
export async function copyToBackup(
  db: Database,
  target: string,
  options: CopyOptions & { locked?: boolean },
): Promise<Backup> {
  const { key } = db
  if (!key) throw new Error('a plaintext file is never copied as a backup')
  const created = now(options)
  await makeFolderFor(target, undefined, db.facts.realPath)
  await tidyFolder(dirname(target), options)
  const { made } = namesFor(target, 'backup', created)
  const proven = await makeProvenCopy(sharedSource(db, options.locked), made, key, options)
  try {
    const manifest: Manifest = {
      ...describe(proven),
      bytes: proven.bytes,
      sha256: await hashFile(made),
      salt: (await readSalt(made)).toString('hex'),
      created_at: formatTimestamp(created),
      verified_at: isSound(proven) ? formatTimestamp(now(options)) : null,
    }
    // First what tells of it: a backup is never there without.
    await writeManifest(target, manifest, created, db.facts.realPath)
    await publishFile(made, target)
    const backup = backupOf(target, manifest)
    if (backup.problems.length > 0) {
      options.warn?.(
        `${target} is a faithful copy of a database with problems: ${nameFirst(backup.problems)}`,
      )
    }
    return backup
  } catch (error) {
    await discardDatabase(made).catch(() => {}) // a later run takes it away
    await rm(manifestPath(target), { force: true }).catch(() => {})
    throw explainSystemError(error, target)
  }
}

function describe({ content, problems, orphans, sqlite_version, cipher_version }: Inspection) {
  const { sha256: content_sha256, schema_version, born, counts } = content
  return {
    format: 1 as const,
    content_sha256,
    schema_version,
    born,
    counts,
    problems: [...problems, ...orphans],
    sqlite_version,
    cipher_version,
  }
}

const isSound = ({ problems, orphans }: Inspection) => problems.length + orphans.length === 0

/** The first of some problems, and how many more there are. */
export function nameFirst([first = '', ...more]: string[]): string {
  return more.length > 0 ? `${first}, and ${more.length} more` : first
}

/**
 * Takes away what killed copies left in a folder; what cannot be taken away, because it is another user's,
 * stays.
 */
export async function tidyFolder(folder: string, { warn }: Pick<CopyOptions, 'warn'>): Promise<void> {
  await recoverFolder(folder).catch((error) => {
    const explained = explainSystemError(error, folder)
    if (!(explained instanceof AppError)) throw error
    warn?.(`what a killed copy left in ${folder} could not be removed: ${explained.message}`)
  })
}

/** Removes a backup and what tells of it. */
export async function removeBackup(path: string): Promise<void> {
  try {
    await rm(path, { force: true }) // another run may have been quicker
    await rm(manifestPath(path), { force: true })
    await syncFolder(dirname(path))
  } catch (error) {
    throw explainSystemError(error, path)
  }
}

/** A backup as its manifest describes it. One of a database with problems never counts as verified. */
export function backupOf(path: string, manifest: Manifest): Backup {
  const { bytes, sha256, schema_version, created_at, counts, problems } = manifest
  const verified_at = problems.length > 0 ? null : manifest.verified_at
  return { path, bytes, sha256, schema_version, created_at, counts, verified_at, problems }
}

const now = ({ now: clock = () => new Date() }: CopyOptions) => clock()

/**
 * The path of a new backup: `database-<moment>.db`, or with what it is made for, `…-before-migrating-v2.db`.
 */
export function backupName(folder: string, database: string, moment: Date, reason = ''): string {
  return join(folder, `${parse(database).name}-${stampOf(moment)}${reason && `-${reason}`}.db`)
}

const BACKUP_NAME = /^(.+)-\d{8}T\d{9}Z(?:-.+)?\.db$/s

/**
 * The name of the database, without its ending, after which a backup is named; null for a name that is none.
 */
export function databaseNamed(name: string): string | null {
  return BACKUP_NAME.exec(name)?.[1] ?? null
}
