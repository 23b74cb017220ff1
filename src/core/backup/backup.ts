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
  /** SHA-256 of the file, hex. */
  sha256: string
  schema_version: number
  created_at: string
  counts: RowCounts
  /** The time when it was last verified to be sound and complete; null when that failed. */
  verified_at: string | null
  /** Problems of the database itself, which this copy therefore has too; empty for a sound one. */
  problems: string[]
}

/** Returns the default folder for the backups of a database, given its path with links resolved. */
export const backupFolder = (database: string) => join(dirname(database), 'backups')

/**
 * Creates a verified copy while others may continue to use the database: it holds what was committed at one
 * moment. It appears under its name, with its manifest, only when another process has verified that it is
 * equal.
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

/** Does the same for an open database; `locked` means that the caller blocks commits. */
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
    // The manifest first: a backup never exists without one.
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
    await discardDatabase(made).catch(() => {}) // a later run removes it
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

/** Returns the first of some problems, and the number of the others. */
export function nameFirst([first = '', ...more]: string[]): string {
  return more.length > 0 ? `${first}, and ${more.length} more` : first
}

/**
 * Removes what interrupted copies left in a folder; what cannot be removed, because it belongs to another
 * user, stays.
 */
export async function tidyFolder(folder: string, { warn }: Pick<CopyOptions, 'warn'>): Promise<void> {
  await recoverFolder(folder).catch((error) => {
    const explained = explainSystemError(error, folder)
    if (!(explained instanceof AppError)) throw error
    warn?.(`what a killed copy left in ${folder} could not be removed: ${explained.message}`)
  })
}

/** Removes a backup and its manifest. */
export async function removeBackup(path: string): Promise<void> {
  try {
    await rm(path, { force: true }) // another run may have been quicker
    await rm(manifestPath(path), { force: true })
    await syncFolder(dirname(path))
  } catch (error) {
    throw explainSystemError(error, path)
  }
}

/**
 * Returns a backup as its manifest describes it. A backup of a database with problems never counts as
 * verified.
 */
export function backupOf(path: string, manifest: Manifest): Backup {
  const { bytes, sha256, schema_version, created_at, counts, problems } = manifest
  const verified_at = problems.length > 0 ? null : manifest.verified_at
  return { path, bytes, sha256, schema_version, created_at, counts, verified_at, problems }
}

const now = ({ now: clock = () => new Date() }: CopyOptions) => clock()

/**
 * Returns the path of a new backup: `database-<moment>.db`, or with its reason, `…-before-migrating-v2.db`.
 */
export function backupName(folder: string, database: string, moment: Date, reason = ''): string {
  return join(folder, `${parse(database).name}-${stampOf(moment)}${reason && `-${reason}`}.db`)
}

const BACKUP_NAME = /^(.+)-\d{8}T\d{9}Z(?:-.+)?\.db$/s

/**
 * Returns the name of the database, without its extension, in the name of a backup; null for a name of
 * another form.
 */
export function databaseNamed(name: string): string | null {
  return BACKUP_NAME.exec(name)?.[1] ?? null
}
