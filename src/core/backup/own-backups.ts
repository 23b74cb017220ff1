import { readdir } from 'node:fs/promises'
import { basename, dirname, join, parse } from 'node:path'
import { type DatabaseOptions, opensWith } from '../database/database.ts'
import { saltOfFile } from '../database/held-files.ts'
import { AppError } from '../errors.ts'
import type { OnWarning } from '../files/owner.ts'
import { danglingTarget } from '../files/symlinks.ts'
import { type DatabaseIdentity, identifyDatabase } from '../schema/database-identity.ts'
import { momentOf } from '../timestamp.ts'
import { backupFolder } from './backup.ts'
import { type FoundBackup, readBackups } from './backup-folder.ts'

/** Options that name the database and its backups; `folder` is `backups` beside the database by default. */
export interface BackupsOptions extends DatabaseOptions {
  folder?: string
  /** The salt that the file had a moment ago, hex, when it has another one since. */
  formerSalt?: string
  warn?: OnWarning
  now?: () => Date
}

/** The backups in a folder, those of one database apart from the others; newest first. */
export interface BackupsOf {
  folder: string
  database: DatabaseIdentity
  own: FoundBackup[]
  others: FoundBackup[]
  /**
   * True when only the name shows that they belong to it: the database cannot be read, and no backup has its
   * salt.
   */
  byNameOnly: boolean
  /** Errors for files that could not be read, and may be backups. */
  unread: AppError[]
}

/** A backup in a list. */
export interface ListedBackup extends FoundBackup {
  /** The key that opens it: the current one of the database, or another one. */
  opens_with: 'current' | 'other'
}

/**
 * Reads a folder of backups and finds those that belong to the database. A database is identified by its
 * recorded birth, which copies share: a backup made under another name belongs to it unless a copy of that
 * name exists there. When the birth cannot be read, name and salt identify it. Warns of everything that is
 * not a backup, and of dates in the future.
 */
export async function readBackupsOf(options: BackupsOptions): Promise<BackupsOf> {
  const database = await identifyDatabase(options)
  const folder = options.folder ?? backupFolder(database.path)
  const target = await danglingTarget(options.path)
  if (target) options.warn?.(`${options.path} is a symbolic link to ${target}, which does not exist`)
  const unread: AppError[] = []
  const found = await readBackups(folder, options.warn, (error) => unread.push(error))
  const { births, byNameOnly } = birthsOf(database, found)
  const copies = await copiesBeside(database, folder, found)
  const salts = [database.salt, options.formerSalt]
  const isOwn = (backup: FoundBackup) => {
    if (backup.born !== null && births.size > 0)
      return births.has(backup.born) && !(backup.database !== null && copies.has(backup.database))
    return backup.database === database.name && (byNameOnly || salts.includes(backup.salt))
  }
  let own = found.filter(isOwn)
  // Every table was dropped and created again: the birth differs, but these are still its backups.
  if (own.length === 0)
    own = found.filter((backup) => backup.database === database.name && salts.includes(backup.salt))
  if (byNameOnly && own.length > 0 && database.salt !== undefined) {
    options.warn?.(`the backups are found by the name ${database.name} alone: ${database.unread?.message}`)
  }
  const ahead = own.filter((backup) => isAhead(backup, options))
  if (ahead.length > 0) {
    options.warn?.(
      `dated in the future, so neither the latest nor counted by the rules that keep backups: ${ahead
        .map(({ path, created_at }) => `${path} (${created_at.slice(0, 10)})`)
        .join(', ')}`,
    )
  }
  const others = found.filter((backup) => !own.includes(backup))
  return { folder, database, own, others, byNameOnly, unread }
}

/**
 * Returns the births of the database: its own, or when it cannot be read, those of the backups with its name
 * and salt.
 */
function birthsOf(database: DatabaseIdentity, found: FoundBackup[]) {
  if (database.born !== undefined)
    return { births: new Set(database.born === null ? [] : [database.born]), byNameOnly: false }
  const sure = found.filter(({ database: name, salt }) => name === database.name && salt === database.salt)
  const births = new Set(sure.flatMap(({ born }) => born ?? []))
  return { births, byNameOnly: sure.length === 0 }
}

/** Returns the names, without extension, of copies of this database beside it or its backups. */
async function copiesBeside(
  { path, name }: DatabaseIdentity,
  folder: string,
  found: FoundBackup[],
): Promise<Set<string>> {
  const copies = new Set<string>()
  const others = found.filter(({ database }) => database !== null && database !== name)
  if (others.length === 0) return copies
  for (const place of new Set([dirname(path), dirname(folder)])) {
    for (const file of await readdir(place).catch(() => [])) {
      const named = others.filter(({ database }) => database === parse(file).name)
      if (named.length === 0 || file === basename(path)) continue
      const salt = await saltOfFile(join(place, file)).catch(() => undefined)
      if (named.some((backup) => backup.salt === salt)) copies.add(parse(file).name)
    }
  }
  return copies
}

/** Tolerance for the difference between the clocks of two machines, in milliseconds. */
const PATIENCE = 60_000

/** Returns true when a backup is dated in the future. */
export function isAhead({ created_at }: FoundBackup, { now = () => new Date() }: BackupsOptions): boolean {
  return momentOf(created_at).getTime() > now().getTime() + PATIENCE
}

/**
 * Returns the backups under the database's own name; when there are none, those of the same birth made under
 * another name.
 */
export function underOwnName({ own, database }: BackupsOf): FoundBackup[] {
  const named = own.filter(({ database: name }) => name === null || name === database.name)
  return named.length > 0 ? named : own
}

/**
 * Lists the backups of a database, or all in the folder, each with whether the key of the database opens it.
 */
export async function listBackups(options: BackupsOptions & { all?: boolean }): Promise<ListedBackup[]> {
  const backups = await readBackupsOf(options)
  const { own, others, database } = backups
  if (!options.all) tellOfOthers(backups, options)
  const current = database.salt === undefined ? undefined : Buffer.from(database.salt, 'hex')
  const keys = (salt?: Buffer) => options.keys(current ?? salt)
  const listed: ListedBackup[] = []
  for (const backup of options.all ? [...own, ...others] : own) {
    try {
      const opens = await opensWith(backup.path, keys)
      listed.push({ ...backup, opens_with: opens ? 'current' : 'other' })
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'IO') throw error
      options.warn?.(`${backup.path} is left out: ${error.message}`)
    }
  }
  return listed
}

/** The newest whole backup that surely belongs to a database, and whether its key opens it; null for none. */
export async function newestBackup(options: BackupsOptions): Promise<ListedBackup | null> {
  const quiet = { ...options, warn: () => {} }
  const { byNameOnly, database } = await readBackupsOf(quiet)
  if (byNameOnly && database.salt !== undefined) return null
  const listed = await listBackups(quiet)
  return listed.find((backup) => backup.whole && !isAhead(backup, options)) ?? null
}

/**
 * Resolves the path of a backup as named by the user: a file, or `latest` for the newest of the database.
 * `whole` excludes those that have lost bytes. Throws NO_DATABASE when there is none, INVALID when it is
 * unclear which database they belong to.
 */
export async function findBackup(
  named: string,
  options: BackupsOptions & { whole?: boolean },
): Promise<string> {
  if (named !== 'latest') return named
  const backups = await readBackupsOf(options)
  const usable = underOwnName(backups).filter(({ whole }) => whole || !options.whole)
  const latest = usable.find((backup) => !isAhead(backup, options)) ?? usable[0]
  if (!latest) throw noBackup(backups)
  const births = new Set(usable.map(({ born }) => born))
  if (backups.byNameOnly && births.size > 1) {
    if (backups.folder !== backupFolder(backups.database.path)) throw unknownOwner(backups, usable)
    options.warn?.(
      `the backups are of ${births.size} databases that had this name; ${latest.path} is the newest`,
    )
  }
  return latest.path
}

function noBackup({ folder, database, others, own, unread }: BackupsOf): AppError {
  if (unread[0]) return unread[0]
  if (own.length > 0) {
    return new AppError('NO_DATABASE', `every backup of ${database.path} in ${folder} is damaged`, {
      hint: { step: 'verify_backups', folder },
    })
  }
  if (others.length === 0) {
    return new AppError('NO_DATABASE', `there is no backup in ${folder}`, {
      hint: { step: 'choose_path', role: 'backup_folder', about: 'another folder' },
    })
  }
  const count = others.length === 1 ? 'one of another database' : `${others.length} of other databases`
  return new AppError('NO_DATABASE', `there is no backup of ${database.path} in ${folder}, but ${count}`, {
    hint: { step: 'list_backups', folder: ownFolder(folder, database), all: true },
  })
}

/** Warns when a folder has backups of other databases only. */
export function tellOfOthers(backups: BackupsOf, { warn }: BackupsOptions): void {
  if (backups.own.length > 0 || backups.others.length === 0) return
  const { message, advice } = noBackup(backups)
  warn?.(message, advice)
}

/**
 * Creates an INVALID error for backups that only the name of the database identifies, when several databases
 * had that name.
 */
export function unknownOwner({ folder, database }: BackupsOf, backups: FoundBackup[]): AppError {
  const births = new Set(backups.map(({ born }) => born))
  return new AppError(
    'INVALID',
    `${folder} has backups of ${births.size} databases named ${database.name}; which of them is meant cannot be told, because ${database.unread?.message}`,
    {
      hint: { step: 'list_backups', folder: ownFolder(folder, database), all: true },
    },
  )
}

/** Returns the folder when it is not the default one. */
function ownFolder(folder: string, database: DatabaseIdentity): string | undefined {
  return folder === backupFolder(database.path) ? undefined : folder
}
