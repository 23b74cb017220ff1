import { constants } from 'node:fs'
import { access, lstat, open, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import self from 'node:process'
import { explainSystemError, systemErrorCode } from '../errors.ts'
import { kindOf } from './given-file.ts'
import type { LostCommits } from './write-ahead-log.ts'

/** The facts about a file that need no SQLite, gathered before any connection to it exists. */
export interface FileFacts {
  /** The path as given, made absolute. */
  path: string
  /** With symbolic links resolved: the file that is opened. */
  realPath: string
  /** The same for every name of the file: device and inode. */
  id: string
  kind: 'file' | 'missing' | 'folder' | 'special' | 'unreadable'
  /** Bytes. */
  size: number
  /** Unix permission bits. */
  mode: number
  /** The numeric id of the user who owns the file. */
  uid: number
  /** The time of the last change to the content, in milliseconds. */
  changed: number
  /** True when this process may write the file. */
  writable: boolean
  /** Bytes of the `-wal` file beside it; undefined when there is none. */
  walBytes: number | undefined
  /** True when a rollback journal that contains a transaction is beside the file. */
  hasJournal: boolean
  /**
   * The path and the kind, in words, of something beside the file that has the name of a SQLite file but is
   * not a regular file.
   */
  intruder?: { path: string; kind: string } | undefined
  folderWritable: boolean
  /** Commits in the -wal that SQLite will not read; checked only while the file is held. */
  lostCommits?: LostCommits
  /** Up to 65,536 bytes from the start and 4,096 from the middle; empty until they are read. */
  samples: Samples
}

/** Some bytes of a file. */
export interface Samples {
  start: Buffer
  middle: Buffer
}

/** The largest page size of SQLite, in bytes. */
const START = 65_536
const SAMPLE = 4096

/** Examines a file from outside, without reading its content. */
export async function examineFile(path: string): Promise<FileFacts> {
  const facts: FileFacts = {
    path,
    realPath: path,
    id: path,
    kind: 'missing',
    size: 0,
    mode: 0,
    uid: 0,
    changed: 0,
    writable: false,
    walBytes: undefined,
    hasJournal: false,
    folderWritable: false,
    samples: NO_SAMPLES,
  }
  try {
    facts.realPath = await realpath(path)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return facts
    if (systemErrorCode(error) === 'EACCES') return { ...facts, kind: 'unreadable' }
    throw explainSystemError(error, path)
  }
  const status = await lstat(facts.realPath)
  facts.id = idOf(status)
  facts.size = status.size
  facts.mode = status.mode & 0o7777
  facts.uid = status.uid
  facts.changed = status.mtimeMs
  if (status.isDirectory()) return { ...facts, kind: 'folder' }
  if (!status.isFile()) return { ...facts, kind: 'special' }
  const [wal, index, journal, hasJournal, folderWritable, readable, writable] = await Promise.all([
    besideOf(facts.realPath, '-wal'),
    besideOf(facts.realPath, '-shm'),
    besideOf(facts.realPath, '-journal'),
    holdsTransaction(`${facts.realPath}-journal`),
    allows(dirname(facts.realPath), constants.W_OK),
    allows(facts.realPath, constants.R_OK),
    allows(facts.realPath, constants.W_OK),
  ])
  const kind = readable ? 'file' : 'unreadable'
  const intruder = intruderAmong([wal, index, journal])
  return { ...facts, kind, walBytes: wal?.bytes, hasJournal, intruder, folderWritable, writable }
}

const idOf = ({ dev, ino }: { dev: number; ino: number }) => `${dev}:${ino}`

/** Returns the device and inode of a file, as in `FileFacts.id`; undefined when it does not exist. */
export async function identify(path: string): Promise<string | undefined> {
  return lstat(path).then(idOf, () => undefined)
}

/** Returns the user that this process acts for; undefined where users have no numbers (Windows). */
export const ownUser = (): number | undefined => self.geteuid?.()

/**
 * Returns true when a database must be copied before it is read. To read it, SQLite creates a -wal and a -shm
 * beside it, owned by the reader and with the permissions of the file. When the reader is not the owner, or
 * may not write the file, these would lock the owner out while it is being read, and for good if the reader
 * is killed. And when the folder is not writable, a -wal without its -shm cannot be read at all. The ones
 * that root creates are given to the owner by SQLite itself.
 */
export async function needsPrivateCopy(facts: FileFacts): Promise<boolean> {
  const user = ownUser()
  if (user === undefined || facts.hasJournal) return false
  if (facts.folderWritable) return user !== 0 && (facts.uid !== user || !facts.writable)
  return Boolean(facts.walBytes) && !(await exists(`${facts.realPath}-shm`))
}

/**
 * Returns true when the path now leads to another file than the one examined, or its content has changed
 * since.
 */
export async function hasChanged({ realPath, id, size, changed }: FileFacts): Promise<boolean> {
  const status = await lstat(realPath).catch(() => undefined)
  return !status || idOf(status) !== id || status.size !== size || status.mtimeMs !== changed
}

/** Returns true when anything has this name, even a dangling link. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error) => {
      if (systemErrorCode(error) === 'ENOENT') return false
      throw explainSystemError(error, path)
    },
  )
}

const NO_SAMPLES: Samples = { start: Buffer.alloc(0), middle: Buffer.alloc(0) }

/**
 * Reads the first and middle bytes of a file. Never call it for a file that this process has open as a
 * database: closing the file again would drop SQLite's locks on it (POSIX advisory locks belong to the
 * process).
 */
export async function readSamples({ kind, realPath, size }: FileFacts): Promise<Samples> {
  if (kind !== 'file') return NO_SAMPLES
  const file = await open(realPath).catch((error) => {
    throw explainSystemError(error, realPath)
  })
  try {
    const sample = async (position: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, position)
      return buffer.subarray(0, bytesRead)
    }
    const [start, middle] = await Promise.all([sample(0, START), sample(Math.floor(size / 2), SAMPLE)])
    return { start, middle }
  } catch (error) {
    throw explainSystemError(error, realPath)
  } finally {
    await file.close()
  }
}

/** Finds a file in the way beside the path of a new database, as in `FileFacts.intruder`. */
export async function findIntruder(path: string): Promise<FileFacts['intruder']> {
  return intruderAmong(await Promise.all(['-wal', '-shm', '-journal'].map((end) => besideOf(path, end))))
}

function intruderAmong(beside: Awaited<ReturnType<typeof besideOf>>[]): FileFacts['intruder'] {
  return beside.find((one) => one !== undefined && one.kind !== 'a regular file')
}

/**
 * Describes a file that SQLite would treat as its own; SQLite does not accept a link, and would wait for a
 * pipe.
 */
async function besideOf(database: string, suffix: string) {
  const path = database + suffix
  const status = await lstat(path).catch(() => undefined)
  return status && { path, kind: kindOf(status), bytes: status.isFile() ? status.size : undefined }
}

/**
 * Returns true when a journal holds a transaction. A journal that is kept after its transaction has ended
 * begins with zeros; SQLite checks the first byte too.
 */
export async function holdsTransaction(journal: string): Promise<boolean> {
  const status = await lstat(journal).catch(() => undefined)
  if (!status?.isFile() || status.size === 0) return false
  try {
    const file = await open(journal)
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, 0)
      return bytesRead === 1 && buffer[0] !== 0
    } finally {
      await file.close()
    }
  } catch {
    return true // an unreadable journal may hold one
  }
}

async function allows(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}

/**
 * Reads the salt of an encrypted file: its first 16 bytes. Never call it for a file that this process has
 * open as a database.
 */
export async function readSalt(path: string): Promise<Buffer> {
  const { start } = await readSamples(await examineFile(path))
  return start.subarray(0, 16)
}
