import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemErrorCode } from '../errors.ts'

/** Errors from a folder that cannot be opened for a sync: it may be written but not read. */
const NOT_OPENED = new Set(['EACCES', 'EPERM'])
/** Errors from file systems that write the entries of a folder in their own time: FAT drivers, SMB, FUSE. */
const NOT_SUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EBADF'])
/** Errors that mean the disk itself fails. */
const DISK_FAILURES = new Set(['EIO', 'ENOSPC', 'EDQUOT'])

/**
 * Syncs the names in a folder to the disk before it resolves: everything created, renamed and removed there
 * survives a power cut. When the file system cannot sync a folder, it resolves as well: nothing more can be
 * done there.
 */
export async function syncFolder(folder: string): Promise<void> {
  const { O_RDONLY, O_DIRECTORY } = constants
  const handle = await open(folder, O_RDONLY | O_DIRECTORY).catch((error) => {
    if (NOT_OPENED.has(systemErrorCode(error) ?? '')) return undefined
    throw error
  })
  try {
    await handle?.sync()
  } catch (error) {
    if (!NOT_SUPPORTED.has(systemErrorCode(error) ?? '')) throw error
  } finally {
    await handle?.close()
  }
}

/** Returns true when the changes in a folder survive a power cut; a missing folder has nothing to lose. */
export async function isSettled(folder: string): Promise<boolean> {
  return syncFolder(folder).then(
    () => true,
    (error) => systemErrorCode(error) === 'ENOENT',
  )
}

/**
 * Rethrows errors of a failing disk about something that this program did not create; ignores all others,
 * which are up to its owner.
 */
export function throwDiskFailure(error: unknown): void {
  if (DISK_FAILURES.has(systemErrorCode(error) ?? '')) throw error
}

/** Syncs every folder above a path to the disk, so that the path to it survives a power cut. */
export async function syncFoldersAbove(path: string): Promise<void> {
  const folder = dirname(path)
  await syncFolder(folder).catch(throwDiskFailure)
  if (folder !== dirname(folder)) await syncFoldersAbove(folder)
}
