import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Bytes that every folder of all runs together needs, by far. */
const ENOUGH = 512 * 1024 * 1024

/**
 * In memory where there is room: the calls are the same, and a disk that waits for each fsync would take most
 * of the time.
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

/** A folder of this run, for everything that it makes. */
export const scratch = mkdtempSync(join(place(), 'libreollama-db-faults-'))

/** A new folder in it. */
export const newFolder = (name) => mkdtempSync(join(scratch, `${name.replaceAll(' ', '-')}-`))

/** Removes all of it. */
export const removeScratch = () => rmSync(scratch, { recursive: true, force: true })
