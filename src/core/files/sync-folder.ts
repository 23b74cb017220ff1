import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemErrorCode } from '../errors.ts'

/**
 * What the system answers where a folder cannot be opened to be put on the disk: it may be written, not read.
 */
const NOT_OPENED = new Set(['EACCES', 'EPERM'])
/** What file systems answer that write a folder's entries down in their own time: FAT drivers, SMB, FUSE. */
const NOT_SUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EBADF'])
/** Failures of the disk itself. */
const DISK_FAILURES = new Set(['EIO', 'ENOSPC', 'EDQUOT'])

/**
 * Has the names in a folder on the disk before it resolves: what was made, renamed and removed there survives
 * a power cut. Where the file system offers no such thing, it resolves as well: nothing more can be done
 * there.
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

/** Whether what happened in a folder survives a power cut; a folder that is not there has nothing to lose. */
export async function isSettled(folder: string): Promise<boolean> {
  return syncFolder(folder).then(
    () => true,
    (error) => systemErrorCode(error) === 'ENOENT',
  )
}

/**
 * Rethrows what a failing disk says of something that this program did not make; all else is its owner's
 * business.
 */
export function throwDiskFailure(error: unknown): void {
  if (DISK_FAILURES.has(systemErrorCode(error) ?? '')) throw error
}

/** Has every folder above a path on the disk, so that the way to it survives a power cut. */
export async function syncFoldersAbove(path: string): Promise<void> {
  const folder = dirname(path)
  await syncFolder(folder).catch(throwDiskFailure)
  if (folder !== dirname(folder)) await syncFoldersAbove(folder)
}
