import { constants } from 'node:fs'
import { appendFile, link, lstat, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemErrorCode } from '../errors.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * Errors from file systems that have no hard links (FAT, exFAT, many of SMB and FUSE), or allow no further
 * one to a file.
 */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EXDEV', 'ENOTTY'])

/**
 * Gives a file a second name; returns false when the file system cannot. Rejects with EEXIST when the name is
 * taken.
 */
export async function linked(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name)
    return true
  } catch (error) {
    if (NO_LINKS.has(systemErrorCode(error) ?? '')) return false
    throw error
  }
}

/**
 * Nanoseconds before and after the time of a note within which its placeholder was created, for when the
 * placeholder's own time could not be noted any more. FAT counts in steps of 2 s, and a server may report
 * another time after a restart, so an approximate match is enough.
 */
const BEFORE_NOTE = 3_000_000_000n
const AFTER_NOTE = 5_000_000_000n
const NEAR = 3_000_000_000n

/** Returns the path of the note for a placeholder, beside the file (`….new`) that replaces it. */
export const noteOf = (temporary: string) => temporary.replace(/\.new$/, '.place')

/**
 * Renames a finished file to a free name, on file systems that only offer a rename. A rename would overwrite,
 * so an empty file, created exclusively, reserves the name until then. A note beside it, written first,
 * records which file it is, so that a later run removes only what an interrupted one left. Durable when it
 * resolves; when it rejects, the name is unchanged. Rejects with EEXIST when the name is taken, or when
 * somebody used the empty file meanwhile.
 */
export async function renameToFree(temporary: string, path: string): Promise<void> {
  const note = noteOf(temporary)
  let reserved = false
  let placed = false
  try {
    await createEmpty(note, `${JSON.stringify(basename(path))}\n`)
    await syncFolder(dirname(path))
    await createEmpty(path)
    reserved = true
    await appendFile(note, `${(await lstat(path, { bigint: true })).mtimeNs}\n`)
    if (!(await isPlaceholder(path, note))) throw takenError(path)
    await rename(temporary, path)
    placed = true
    await syncFolder(dirname(path))
  } catch (error) {
    if (placed) await rm(path)
    else if (reserved && (await isPlaceholder(path, note))) await rm(path)
    await rm(note, { force: true })
    throw error
  }
  await rm(note).catch(() => {}) // from here on it is litter, not a failure
}

/** Removes a note, and its placeholder if that still exists; returns true when it did. */
export async function clearPlace(note: string): Promise<boolean> {
  const path = await targetOf(note)
  const found = path !== undefined && (await isPlaceholder(path, note))
  if (found) await rm(path, { force: true })
  await rm(note, { force: true })
  return found
}

/** Returns the path that a note reserves; undefined when the file is not a note. */
export async function targetOf(note: string): Promise<string | undefined> {
  const [name] = await readLines(note)
  try {
    const parsed: unknown = JSON.parse(name ?? '')
    return typeof parsed === 'string' && parsed !== '' ? join(dirname(note), basename(parsed)) : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns true when the file with this name is the empty placeholder that reserves it. Inodes prove nothing
 * here: FAT drivers renumber files. The modification time does; a run that was killed before it noted that
 * time leaves only the time of the note itself.
 */
export async function isPlaceholder(path: string, note: string): Promise<boolean> {
  const look = (name: string) => lstat(name, { bigint: true }).catch(() => undefined)
  const [file, noted] = [await look(path), await look(note)]
  if (!file?.isFile() || file.size > 0n || file.uid !== noted?.uid || file.mode !== noted.mode) return false
  const [, moment] = await readLines(note)
  if (moment !== undefined) return near(file.mtimeNs, moment)
  const since = file.mtimeNs - noted.mtimeNs
  return since >= -BEFORE_NOTE && since <= AFTER_NOTE
}

/** Returns true when a file has this modification time, in nanoseconds as decimal digits, or nearly. */
function near(mtime: bigint, moment: string): boolean {
  if (!/^\d{1,30}$/.test(moment)) return false
  const difference = mtime - BigInt(moment)
  return difference <= NEAR && difference >= -NEAR
}

/** Returns the complete lines of a note. */
async function readLines(note: string): Promise<string[]> {
  const text = await readFile(note, 'utf8').catch(() => '')
  return text.split('\n').slice(0, -1)
}

async function createEmpty(path: string, content = ''): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    if (content === '') return
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Creates the error that the system reports for a name that is taken. */
function takenError(path: string): Error {
  const words = `EEXIST: file already exists, rename to '${path}'`
  return Object.assign(new Error(words), { code: 'EEXIST', syscall: 'rename', path })
}
