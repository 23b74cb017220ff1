import { rm } from 'node:fs/promises'
import { createFile, publishFile } from './new-file.ts'
import type { Owner } from './owner.ts'
import { namesFor, recover } from './recovery.ts'

/**
 * Creates a file, 0600, that appears under its name only when all of it is on the disk; first removes what an
 * interrupted run left under another name. Rejects with EEXIST when the name is taken.
 */
export async function createWholeFile(path: string, content: string, owner?: Owner): Promise<void> {
  await recover(path)
  const { made } = namesFor(path, 'key', new Date())
  try {
    await createFile(made, content, owner)
    await publishFile(made, path)
  } catch (error) {
    await rm(made, { force: true }).catch(() => {}) // a later run removes it
    throw error
  }
}
