import { constants } from 'node:fs'
import { lstat, mkdir, open, rm, rmdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PathRole } from '../advice.ts'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { shellWord } from '../shell-word.ts'
import { exists } from './file-facts.ts'
import { giveFolderTo, giveTo, type Owner, ownerFor } from './owner.ts'
import { linked, renameToFree } from './placeholder.ts'
import { describeDangling } from './symlinks.ts'
import { isSettled, syncFolder, throwDiskFailure } from './sync-folder.ts'

/**
 * Creates the missing folders above a file, which was named for `role`, each 0700 and on the disk before the
 * next; `source` is the file it is made from, which decides who owns them (see `ownerFor`). Resolves to the
 * topmost folder created, undefined when none was missing.
 */
export async function makeFolderFor(
  path: string,
  role?: PathRole,
  source?: string,
): Promise<string | undefined> {
  const folder = dirname(path)
  try {
    return await makeFolder(folder, source)
  } catch (error) {
    // When a folder cannot contain folders, the system reports it as missing.
    if (systemErrorCode(error) === 'ENOENT') throw notMade(folder, error)
    if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, folder, role)
    const dangling = await describeDangling(folder)
    if (dangling) throw new AppError('IO', dangling.words, { hint: dangling.hint })
    throw new AppError('IO', `${folder} is a file, and a folder is needed there`, {
      hint: `look at it with: ls -l ${shellWord(folder)}`,
    })
  }
}

/**
 * Creates a folder and those above it. Node's own `recursive` is not used: in Node 20 it loops forever, deaf
 * to Ctrl-C, below /proc.
 */
async function makeFolder(folder: string, source?: string): Promise<string | undefined> {
  const above = dirname(folder)
  try {
    if (await makeOne(folder, source)) return folder
    // A run that was killed a moment ago may have created it and done no more.
    await syncFolder(above).catch(throwDiskFailure)
    return undefined
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || above === folder) throw error
  }
  const made = await makeFolder(above, source)
  return (await makeOne(folder, source)) ? (made ?? folder) : made
}

/** Creates one folder; returns false when it already exists, since another program may have been quicker. */
async function makeOne(folder: string, source?: string): Promise<boolean> {
  try {
    await makeOwnFolder(folder, source)
  } catch (error) {
    if (await isFolder(folder)) return false
    throw error
  }
  try {
    await syncFolder(dirname(folder))
  } catch (error) {
    await rmdir(folder).catch(() => {})
    throw error
  }
  return true
}

async function makeOwnFolder(folder: string, source?: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 })
  const owner = await ownerFor(folder, source)
  if (owner) await giveFolderTo(folder, owner)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  )
}

function notMade(folder: string, cause: unknown): AppError {
  return new AppError('IO', `the folder ${folder} could not be made`, {
    hint: 'df -h shows whether the disk is full, ls -ld who may write in the folder above',
    cause,
  })
}

/**
 * Creates a file, 0600, with this content, on the disk before it resolves. Fails when anything already exists
 * there. Without an `owner` the file belongs to the user who creates it; one that root creates in somebody
 * else's folder belongs to the owner of the folder.
 */
export async function createFile(path: string, content = '', owner?: Owner): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    const whose = owner ?? (await ownerFor(path))
    if (whose) await giveTo(file, whose)
    await file.writeFile(content)
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/**
 * Creates a file like `createFile`, with its name on the disk as well; leaves nothing behind when it fails.
 */
export async function createDurableFile(path: string, content: string): Promise<void> {
  await createFile(path, content)
  try {
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

/**
 * Gives a finished file its name without ever replacing another, and syncs both to the disk before it
 * resolves; when it rejects, the name is unchanged. The file must not be open as a database. Rejects with
 * EEXIST when the name is taken.
 */
export async function publishFile(temporary: string, path: string): Promise<void> {
  await finishFile(temporary)
  if (!(await linked(temporary, path))) return renameToFree(temporary, path)
  try {
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(path)
    throw error
  }
  // From here on, a remnant under the other name is litter, not a failure.
  await rm(temporary).catch(() => {})
}

/**
 * Syncs a closed database file to the disk and checks that this one file is complete: when a disk fails while
 * SQLite closes the database, SQLite reports nothing and leaves a -wal, without which the file is incomplete.
 */
export async function finishFile(path: string): Promise<void> {
  for (const beside of [`${path}-wal`, `${path}-journal`]) {
    const { size } = await lstat(beside).catch(() => ({ size: 0 }))
    if (size === 0) continue
    throw new AppError('IO', `${path} could not be finished: ${size} bytes stayed in ${beside}`, {
      hint: 'df -h shows whether the disk is full; nothing was changed',
    })
  }
  await syncPath(path)
}

/**
 * Syncs the content of a file to the disk before it resolves; for the names in a folder, use `syncFolder`.
 */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The suffixes of the files that SQLite keeps beside a database. */
export const BESIDE = ['-wal', '-shm', '-journal'] as const

/**
 * Removes a database file after the files that SQLite keeps beside it, so that none of these is ever left
 * without its database.
 */
export async function discardDatabase(path: string): Promise<void> {
  for (const suffix of [...BESIDE, '']) await rm(path + suffix, { force: true })
}

/**
 * Removes a database file and the files beside it; returns true only when a power cut cannot bring it back.
 */
export async function removeForGood(path: string): Promise<boolean> {
  await discardDatabase(path).catch(() => {})
  return !(await exists(path)) && (await isSettled(dirname(path)))
}
