import { randomBytes } from 'node:crypto'
import { readFile, realpath, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { createWholeFile } from '../files/durable-file.ts'
import { makeFolderFor, syncPath } from '../files/new-file.ts'
import { ownerFor } from '../files/owner.ts'
import { recover } from '../files/recovery.ts'
import { describeDangling, describeTaken } from '../files/symlinks.ts'
import { syncFoldersAbove, throwDiskFailure } from '../files/sync-folder.ts'
import { rawKeyLiteral } from './key.ts'

/**
 * Stores a random 256-bit raw key in a new file (0600, one line, `x'<64 hex digits>'`), on the disk and read
 * back before this resolves. When root creates it, its owner follows from the database that it is for (see
 * `ownerFor`). Throws KEY_SOURCE when a file exists: a key is never overwritten.
 */
export async function generateKeyFile(
  named: string,
  database?: string,
): Promise<{ path: string; discard: () => Promise<void> }> {
  return writeKeyFile(named, rawKeyLiteral(randomBytes(32)), database)
}

/** Stores an existing key in a new file, as `generateKeyFile` does. */
export async function writeKeyFile(
  named: string,
  key: string,
  database?: string,
): Promise<{ path: string; discard: () => Promise<void> }> {
  const path = resolve(named)
  const line = `${key}\n`
  const discard = () => rm(path, { force: true }).catch(() => {})
  await makeFolderFor(path, undefined, database)
  try {
    await createWholeFile(path, line, await ownerFor(path, database))
    await refuseOther(path, line).catch(async (error) => {
      await discard()
      throw error
    })
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, path)
    throw new AppError('KEY_SOURCE', await describeTaken(path, 'key file'), {
      hint: [
        ...((await describeDangling(path)) ? [] : ['use the key that is in it, by generating none']),
        { step: 'choose_path', path, about: 'another file' },
      ],
    })
  }
  return { path, discard }
}

async function refuseOther(path: string, line: string): Promise<void> {
  if ((await readFile(path, 'utf8')) !== line)
    throw new Error('the key file does not hold what was written to it')
}

/** Removes what an interrupted run left of a key file under another name. */
export async function tidyKeyFile(path: string): Promise<void> {
  await recover(resolve(path)).catch(() => {}) // in a read-only folder it stays
}

/**
 * Syncs an existing key file to the disk, with the folders that lead to it: somebody may have written it a
 * moment ago, and a database must not outlast its key. Anything but a regular file is left to its owner.
 */
export async function settleKeyFile(named: string): Promise<void> {
  const path = resolve(named)
  try {
    if (!(await stat(path)).isFile()) return
    const real = await realpath(path)
    await tidyKeyFile(real)
    await syncPath(real).catch(throwDiskFailure)
    await syncFoldersAbove(real)
    if (real !== path) await syncFoldersAbove(path)
  } catch (error) {
    throw explainSystemError(error, path)
  }
}
