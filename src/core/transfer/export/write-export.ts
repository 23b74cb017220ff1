import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { discardDatabase, makeFolderFor, publishFile, syncPath } from '../../files/new-file.ts'
import { giveTo, ownerFor } from '../../files/owner.ts'
import { namesFor, recoverExports } from '../../files/recovery.ts'
import { syncFolder } from '../../files/sync-folder.ts'
import { explainPlace } from './export-place.ts'
import type { ExportedChat } from './exported-chats.ts'
import type { ChatFormat, ExportOptions } from './formats/export-format.ts'
import { inBlocks, type Pieces } from './in-blocks.ts'

/** Files to sync together: a disk does this in a fraction of the time. */
const AT_ONCE = 16

/** Called for the bytes written so far; it may throw, and then nothing is left behind. */
type OnBytes = (bytes: number) => void

/**
 * Writes pieces of text to a new file, 0600, which appears under its name only when it is complete; `source`
 * is the database, which decides the owner (see `ownerFor`).
 */
export async function writeNewFile(
  path: string,
  pieces: Pieces,
  onBytes: OnBytes,
  source?: string,
): Promise<void> {
  await appear(path, source, async (made) => {
    try {
      await writeAll(made, pieces, onBytes, source)
      await publishFile(made, path)
    } finally {
      await discardDatabase(made)
    }
  })
}

/**
 * Writes one file per chat into a folder, 0700, which appears under its name only when all files are there;
 * their names are safe and unique. An empty folder of that name is replaced.
 */
export async function writeFolder(
  path: string,
  format: ChatFormat,
  chats: AsyncIterable<ExportedChat>,
  { onBytes, source, ...options }: ExportOptions & { onBytes: OnBytes; source?: string | undefined },
): Promise<void> {
  const { fileName } = format
  if (!fileName) throw new Error(`${format.name} is not written as a folder`)
  await appear(path, source, async (made) => {
    try {
      await makeFolderFor(join(made, 'chat'), 'output', source)
      const names = new Set<string>()
      for await (const chat of chats) {
        async function* one() {
          yield chat
        }
        const file = join(made, fileName(chat.session, names))
        await writeAll(file, format.write(one(), options), onBytes, source)
      }
      await publishFolder(made, path, onBytes)
    } finally {
      await rm(made, { recursive: true, force: true })
    }
  })
}

/**
 * Runs `work` under a temporary name beside `path`; when it fails, removes the folders that were created for
 * it.
 */
async function appear(
  path: string,
  source: string | undefined,
  work: (made: string) => Promise<void>,
): Promise<void> {
  const above = await makeFolderFor(path, 'output', source)
  try {
    await recoverExports(dirname(path))
    await work(namesFor(path, 'export', new Date()).made)
  } catch (error) {
    if (above !== undefined) await removeEmpty(dirname(path), above)
    throw explainPlace(error, path)
  }
}

async function removeEmpty(folder: string, last: string): Promise<void> {
  try {
    await rmdir(folder)
    if (folder !== last) await removeEmpty(dirname(folder), last)
  } catch {
    // another program created something there
  }
}

/**
 * Syncs the files of a finished folder and gives it its name. One sync after the other during the export
 * would take many times as long.
 */
async function publishFolder(made: string, path: string, onBytes: OnBytes): Promise<void> {
  const names = (await readdir(made)).values()
  const syncSome = async () => {
    for (const name of names) {
      onBytes(0)
      await syncPath(join(made, name))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, syncSome))
  await syncFolder(made)
  await rename(made, path)
  try {
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(path, { recursive: true })
    throw error
  }
}

async function writeAll(path: string, pieces: Pieces, onBytes: OnBytes, source?: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    const owner = await ownerFor(path, source)
    if (owner) await giveTo(file, owner)
    await pour(file, pieces, onBytes)
  } finally {
    await file.close()
  }
}

/** Writes one block while the next is being prepared. */
async function pour(file: FileHandle, pieces: Pieces, onBytes: OnBytes): Promise<void> {
  let writing = Promise.resolve()
  for await (const block of inBlocks(pieces)) {
    onBytes(block.length)
    await writing
    writing = file.writeFile(block)
    writing.catch(() => {}) // reported by the next one who awaits it
  }
  await writing
}
