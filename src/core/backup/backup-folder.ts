import { constants } from 'node:fs'
import { access, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { BESIDE } from '../files/new-file.ts'
import type { OnWarning } from '../files/owner.ts'
import { isUnfinished } from '../files/recovery.ts'
import { describeDangling } from '../files/symlinks.ts'
import { momentOf } from '../timestamp.ts'
import { type Backup, backupOf, databaseNamed } from './backup.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** A backup in a folder, with what identifies its database. */
export interface FoundBackup extends Backup {
  /** The name of the database file without its extension; null when the backup has a name of its own. */
  database: string | null
  /** The time of the database's creation; null when the database did not record it. */
  born: string | null
  /** The first 16 bytes of the file, hex. */
  salt: string
  /** True when the file has as many bytes as its manifest says. */
  whole: boolean
}

/**
 * Lists the backups in a folder, of any database, newest first. A backup is a readable file with a valid
 * manifest; everything else is left alone and reported to `warn`, and what the disk could not read to
 * `onUnread` as well. A missing folder has none. Throws IO for a folder that cannot be read.
 */
export async function readBackups(
  folder: string,
  warn: OnWarning = () => {},
  onUnread: (error: AppError) => void = () => {},
): Promise<FoundBackup[]> {
  const names = new Set(
    await readdir(folder).catch(async (error): Promise<string[]> => {
      if (systemErrorCode(error) !== 'ENOENT') throw explainSystemError(error, folder)
      const dangling = await describeDangling(folder)
      if (dangling) throw new AppError('IO', dangling.words, { hint: dangling.hint })
      return []
    }),
  )
  const found: FoundBackup[] = []
  const strays: string[] = []
  for (const name of names) {
    const path = join(folder, name)
    if (names.has(`${name}.json`)) {
      const backup = await readBackup(path, names, warn, onUnread)
      if (backup) found.push(backup)
    } else if (isBesideOf(name, names) || isUnfinished(name)) {
    } else if (name.endsWith('.json') && databaseNamed(name.slice(0, -5)) !== null) {
      if (!isComing(name.slice(0, -5), names)) warn(`${path} describes a backup that is not there`)
    } else if (databaseNamed(name) !== null) {
      warn(`${path} has no manifest, so it is not counted as a backup`)
    } else if (!name.startsWith('.')) {
      strays.push(name)
    }
  }
  if (strays.length > 0) warn(`${folder} also holds what is no backup: ${nameSome(strays.sort())}`)
  return found.sort(newestFirst)
}

/**
 * Returns true for a backup in progress: its manifest comes first, and an empty file may reserve its name
 * until it is complete.
 */
function isComing(name: string, names: Set<string>): boolean {
  return [...names].some((other) => other.startsWith(`${name}.backup-`) && isUnfinished(other))
}

/** Compares two backups for a sort by their time, newest first. */
export function newestFirst(a: { created_at: string }, b: { created_at: string }): number {
  return (
    momentOf(b.created_at).getTime() - momentOf(a.created_at).getTime() ||
    (a.created_at < b.created_at ? 1 : -1)
  )
}

/** Returns true for a file that belongs to a backup: its manifest, or a file that SQLite keeps beside it. */
function isBesideOf(name: string, names: Set<string>): boolean {
  return ['.json', ...BESIDE].some((end) => name.endsWith(end) && names.has(name.slice(0, -end.length)))
}

async function readBackup(
  path: string,
  names: Set<string>,
  warn: OnWarning,
  onUnread: (error: AppError) => void,
): Promise<FoundBackup | undefined> {
  try {
    const status = await stat(path)
    if (!status.isFile()) {
      warn(`${path} is ${status.isDirectory() ? 'a folder' : 'not a regular file'}, and no backup`)
      return undefined
    }
    if (status.size === 0 && isComing(basename(path), names)) return undefined
    await access(path, constants.R_OK)
    const manifest = await readManifest(path)
    if (!manifest) return undefined // removed since the folder was read
    const whole = status.size === manifest.bytes
    if (!whole) warn(`${path} is damaged: it has ${status.size} bytes, its manifest says ${manifest.bytes}`)
    return { ...backupOf(path, manifest), ...originOf(path, manifest), whole }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') {
      warn(`${path} cannot be read: it leads nowhere, or was removed a moment ago`)
      return undefined
    }
    const explained = explainSystemError(error, path)
    if (!(explained instanceof AppError) && systemErrorCode(error) === undefined) throw error
    warn(`${path} is not counted as a backup: ${(explained as Error).message}`)
    if (explained instanceof AppError && explained.code === 'IO') onUnread(explained)
    return undefined
  }
}

function originOf(path: string, { born, salt }: Manifest) {
  return { database: databaseNamed(basename(path)), born, salt }
}

/** The most names to list. */
const MOST_NAMES = 5

function nameSome(names: string[]): string {
  const more = names.length - MOST_NAMES
  return names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
