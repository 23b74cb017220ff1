import { readdir, rm } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { type CopyOptions, hashFile, makeProvenCopy, openingToCopy, sharedSource } from './copy.ts'
import { type Database, type DatabaseOptions, opensWith, withDatabase } from './database.ts'
import { AppError, explainSystemError, systemErrorCode } from './errors.ts'
import { examineFile, readSalt } from './file-facts.ts'
import type { Inspection } from './inspect.ts'
import { type Manifest, manifestPath, readManifest, writeManifest } from './manifest.ts'
import { discardDatabase, makeFolderFor, publishFile, syncPath } from './new-file.ts'
import type { RowCounts } from './row-counts.ts'
import { formatTimestamp } from './timestamp.ts'
import { namesFor, recoverFolder, stampOf } from './unfinished.ts'

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
  /** When it was last found to hold what it should; null when that failed. */
  verified_at: string | null
}

/** A backup in a list. */
export interface ListedBackup extends Backup {
  /** Whether the key that opens the database, or another, opens it. */
  opens_with: 'current' | 'other'
}

/** Where the backups of a database are when nobody names a folder. */
export const backupFolder = (database: string) => join(dirname(database), 'backups')

/**
 * Makes a proven copy while others may go on using the database: it holds what was committed at one moment. It appears
 * under its name, with its manifest, only when another process has found it equal.
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
  await makeFolderFor(target)
  await recoverFolder(dirname(target))
  const { made } = namesFor(target, 'backup', created)
  const proven = await makeProvenCopy(sharedSource(db, options.locked), made, key, options)
  try {
    const manifest = {
      ...describe(proven),
      bytes: proven.bytes,
      sha256: await hashFile(made),
      salt: (await readSalt(made)).toString('hex'),
      created_at: formatTimestamp(created),
      verified_at: formatTimestamp(now(options)),
    }
    // First what tells of it: a backup is never there without.
    await writeManifest(target, manifest, created)
    await publishFile(made, target)
    return backupOf(target, manifest)
  } catch (error) {
    await discardDatabase(made)
    await rm(manifestPath(target), { force: true })
    throw explainSystemError(error, target)
  }
}

function describe({ content, problems, sqlite_version, cipher_version }: Inspection) {
  const { sha256: content_sha256, schema_version, born, counts } = content
  return {
    format: 1 as const,
    content_sha256,
    schema_version,
    born,
    counts,
    problems,
    sqlite_version,
    cipher_version,
  }
}

/** The backups of a folder, the newest first. What has no manifest is none; a manifest without its file is skipped. */
export async function readBackups(folder: string): Promise<(Backup & { manifest: Manifest })[]> {
  const names = await readdir(folder).catch((error): string[] => {
    if (systemErrorCode(error) === 'ENOENT') return []
    throw explainSystemError(error, folder)
  })
  const found: (Backup & { manifest: Manifest })[] = []
  for (const name of names) {
    if (!names.includes(`${name}.json`)) continue
    const path = join(folder, name)
    const manifest = await readManifest(path)
    if (manifest) found.push({ ...backupOf(path, manifest), manifest })
  }
  return found.sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
}

/** The backups of a folder, each tried with the key that opens it if it is the current one. */
export async function listBackups(folder: string, keys: DatabaseOptions['keys']): Promise<ListedBackup[]> {
  const listed: ListedBackup[] = []
  for (const { manifest, ...backup } of await readBackups(folder)) {
    const opens = await opensWith(backup.path, keys)
    listed.push({ ...backup, opens_with: opens ? 'current' : 'other' })
  }
  return listed
}

/** The path of a backup as it was named: a file, or `latest` of the folder. Throws NO_DATABASE. */
export async function findBackup(named: string, folder: string): Promise<string> {
  if (named !== 'latest') return named
  const [latest] = await readBackups(folder)
  if (latest) return latest.path
  throw new AppError('NO_DATABASE', `there is no backup in ${folder}`, {
    hint: 'libreollama-db backup makes one; --dir <path> names another folder',
  })
}

/** Removes a backup and what tells of it. */
export async function removeBackup(path: string): Promise<void> {
  try {
    await rm(path)
    await rm(manifestPath(path), { force: true })
    await syncPath(dirname(path))
  } catch (error) {
    throw explainSystemError(error, path)
  }
}

function backupOf(path: string, manifest: Manifest): Backup {
  const { bytes, sha256, schema_version, created_at, counts, verified_at } = manifest
  return { path, bytes, sha256, schema_version, created_at, counts, verified_at }
}

const now = ({ now: clock = () => new Date() }: CopyOptions) => clock()

/** The path of a new backup: `database-<moment>.db`, or with what it is made for, `…-before-migrating-v2.db`. */
export function backupName(folder: string, database: string, moment: Date, reason = ''): string {
  return join(folder, `${parse(database).name}-${stampOf(moment)}${reason && `-${reason}`}.db`)
}
