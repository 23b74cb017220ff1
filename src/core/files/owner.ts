import { constants } from 'node:fs'
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Hint } from '../advice.ts'
import { ownUser } from './file-facts.ts'

/** Whose a file is, and who may use it. */
export interface Owner {
  uid: number
  gid: number
  /** Permission bits. */
  mode: number
  /** Called when root is not allowed to give the file away, as in some containers. */
  onRefused?: () => void
}

const isRoot = () => ownUser() === 0

/**
 * The owner and the permissions of a file that is to be replaced; undefined where there is none, or none to
 * keep.
 */
export async function ownerOf(path: string, warn?: OnWarning): Promise<Owner | undefined> {
  const status = await lstat(path).catch(() => undefined)
  if (!status?.isFile() || ownUser() === undefined) return undefined
  return { uid: status.uid, gid: status.gid, mode: status.mode & 0o777, onRefused: refusal(path, warn) }
}

/** Called for what did not keep a command from its end, with what to do about it where something can be done. */
export type OnWarning = (message: string, hint?: Hint) => void

/**
 * Whose a new file or folder is to be that root makes: of the owner of the file that it is made from when the
 * two are neighbours; else of the folder's owner; in a folder of root's, of the source's owner. Undefined for
 * all other users, whose files are theirs. `source` is a file. Others may not use the new one, whatever they
 * may with its source.
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
 * Gives an open file to its owner, as far as this process may: root to anybody, others to a group of theirs.
 * A group that cannot be kept loses its permissions, so that they never become those of another group. While
 * it is being made its owner can always write it: `setMode` takes that away where the mode says so.
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

/** Closes a finished file to its owner's own writing or reading, where the one that it replaces was so. */
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
 * The same for a folder that was made a moment ago, in whose place nobody else can have put one of root's
 * own.
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
