import { constants } from 'node:fs'
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Hint } from '../advice.ts'
import { ownUser } from './file-facts.ts'

/** The owner of a file, and its permissions. */
export interface Owner {
  uid: number
  gid: number
  /** Permission bits. */
  mode: number
  /** Called when root is not allowed to change the owner of the file, as in some containers. */
  onRefused?: () => void
}

const isRoot = () => ownUser() === 0

/**
 * Returns the owner and the permissions of a file about to be replaced; undefined when there is no file, or
 * nothing to keep.
 */
export async function ownerOf(path: string, warn?: OnWarning): Promise<Owner | undefined> {
  const status = await lstat(path).catch(() => undefined)
  if (!status?.isFile() || ownUser() === undefined) return undefined
  return { uid: status.uid, gid: status.gid, mode: status.mode & 0o777, onRefused: refusal(path, warn) }
}

/** Called for a problem that did not stop a command, with a hint where there is a remedy. */
export type OnWarning = (message: string, hint?: Hint) => void

/**
 * Returns the owner for a new file or folder that root creates: the owner of the file it is made from when
 * both are in the same folder; otherwise the owner of the folder; in a folder that root owns, the owner of
 * the source. Undefined for all other users, who own what they create. `source` is a file. Other users get no
 * access to the new file, whatever access they have to its source.
 */
export async function ownerFor(path: string, source?: string, warn?: OnWarning): Promise<Owner | undefined> {
  if (!isRoot()) return undefined
  const folder = await statusOf(dirname(path))
  const from = source === undefined ? undefined : await statusOf(source)
  const beside =
    source === undefined ? undefined : await statusOf(dirname(await realpath(source).catch(() => source)))
  const areNeighbours = folder !== undefined && beside?.ino === folder.ino && beside.dev === folder.dev
  const owner = from && (areNeighbours || folder?.uid === 0) ? from : folder
  if (!owner || owner.uid === 0) return undefined
  return { uid: owner.uid, gid: owner.gid, mode: 0o600, onRefused: refusal(path, warn) }
}

const statusOf = (path: string) => stat(resolve(path)).catch(() => undefined)

const refusal = (path: string, warn?: OnWarning) => () =>
  warn?.(`${path} could not be given to the user whose file it is: it belongs to root`)

/**
 * Gives an open file to its owner, as far as this process may: root can give it to anybody, other users only
 * to a group of theirs. A group that cannot be kept loses its permissions, so that another group never gets
 * them. While the file is being made, its owner can always write it: `setMode` removes that permission when
 * the mode requires it.
 */
export async function giveTo(handle: FileHandle, owner: Owner): Promise<void> {
  const { uid, gid } = await handle.stat()
  let group = gid
  try {
    if (isRoot() ? uid !== owner.uid || gid !== owner.gid : gid !== owner.gid) {
      await handle.chown(isRoot() ? owner.uid : -1, owner.gid)
      group = owner.gid
    }
  } catch {
    if (isRoot()) owner.onRefused?.()
  }
  const mode = group === owner.gid ? owner.mode : owner.mode & 0o707
  await handle.chmod(mode | 0o600).catch(() => {})
}

/**
 * Takes the owner's own write or read permission from a finished file when the file that it replaces had
 * none.
 */
export async function setMode(path: string, { mode }: Owner): Promise<void> {
  if ((mode & 0o600) === 0o600) return
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await handle.chmod(((await handle.stat()).mode & 0o077) | (mode & 0o700))
  } finally {
    await handle.close()
  }
}

/**
 * Gives a folder to its owner. The folder was created a moment ago, so nobody else can have replaced it with
 * one of root's.
 */
export async function giveFolderTo(path: string, owner: Owner): Promise<void> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
  const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => undefined)
  try {
    const status = await handle?.stat()
    if (status && status.uid === ownUser() && status.nlink <= 2) await handle?.chown(owner.uid, owner.gid)
  } catch {
    owner.onRefused?.()
  } finally {
    await handle?.close()
  }
}
