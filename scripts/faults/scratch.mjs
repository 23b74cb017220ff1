import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Bytes: by far enough for the folders of all runs together. */
const ENOUGH = 512 * 1024 * 1024

/**
 * Returns a place for scratch files: in memory when there is room, since the calls are the same, and a disk
 * that waits for each fsync would take most of the time.
 */
function place() {
  if (process.env.TMPDIR) return tmpdir()
  try {
    accessSync('/dev/shm', constants.W_OK)
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > ENOUGH ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** The scratch folder of this run, for everything that it creates. */
export const scratch = mkdtempSync(join(place(), 'libreollama-db-faults-'))

/** Creates a new folder in it. */
export const newFolder = (name) => mkdtempSync(join(scratch, `${name.replaceAll(' ', '-')}-`))

/** Removes all of it. */
export const removeScratch = () => rmSync(scratch, { recursive: true, force: true })
