import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, rename, rm, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Database } from '../database/database.ts'
import type { ProofOptions } from '../database/probe.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError, explainSystemError } from '../errors.ts'
import { examineFile, exists, identify, ownUser } from '../files/file-facts.ts'
import { BESIDE, createFile, discardDatabase, makeFolderFor } from '../files/new-file.ts'
import { type OnWarning, type Owner, ownerFor } from '../files/owner.ts'
import { linked } from '../files/placeholder.ts'
import { moveBeside } from '../files/recovery.ts'
import { syncFolder } from '../files/sync-folder.ts'
import type { Key } from '../keys/key.ts'
import type { OnProgress } from '../progress.ts'
import { beginReading, type Content, readContent } from './content-hash.ts'
import {
  type Inspect,
  type Inspection,
  type InspectionRequest,
  problemsWithoutRules,
  structureProblems,
} from './inspect.ts'

/** Options of every copy: who inspects it, and who receives its progress. */
export interface CopyOptions {
  inspect: Inspect
  signal?: AbortSignal
  onProgress?: OnProgress
  /** Warns without stopping the work. */
  warn?: OnWarning
  now?: () => Date
  /** Replace a file although it has other names (hard links), which keep its old content and its old key. */
  otherNames?: boolean
}

/** A copy that was verified to equal its source. */
export interface ProvenCopy extends Inspection {
  /** Size of the file. */
  bytes: number
}

/**
 * Copies a source into the new file `made`, which belongs to `owner` (see `ownerFor`), has another process
 * inspect the copy under `key` (a raw one), and compares the content of the two. Leaves nothing behind when
 * it fails. Throws CHECK_FAILED when the copy is not equal, IO when there is no room for it, and the errors
 * of opening the copy.
 */
export async function makeProvenCopy(
  source: Source,
  made: string,
  key: Key,
  options: CopyOptions & { prepare?: (made: string) => Promise<void>; owner?: Owner | undefined },
): Promise<ProvenCopy> {
  try {
    await makeFolderFor(made, undefined, source.path)
    await refuseTooLittleSpace(made, source.bytes)
    const owner = options.owner ?? (await ownerFor(made, source.path, options.warn))
    await createFile(made, '', owner)
    const content = await source.copyInto(made, options)
    await options.prepare?.(made)
    options.signal?.throwIfAborted()
    const found = await options.inspect(
      { path: made, key },
      {
        signal: options.signal,
        onPart: (part) => options.onProgress?.({ phase: 'checking', part }),
      },
    )
    await refuseUnequal(content, found, source, { path: made, key })
    const { size } = await lstat(made)
    return { ...found, bytes: size }
  } catch (error) {
    await discardDatabase(made).catch(() => {}) // the first failure is the one to report
    options.signal?.throwIfAborted()
    throw explainSystemError(error, made)
  }
}

/** The source of a copy. */
export interface Source {
  path: string
  /** The approximate size of the copy. */
  bytes: number
  /** Writes the copy into an empty file, and resolves to the content of the source at that moment. */
  copyInto: (made: string, options: CopyOptions) => Promise<Content>
  /** Returns the problems that SQLite finds in the source itself. */
  problems: () => Promise<string[]>
}

/**
 * Uses the only connection to a file as a source: nothing can change between the copy and the check of the
 * original.
 */
export function soleSource(db: Database, connection: Connection, targetKey?: string): Source {
  return {
    path: db.facts.path,
    bytes: db.facts.size + (db.facts.walBytes ?? 0),
    copyInto: async (made, { onProgress }) => {
      await watchGrowth(made, db.facts.size, onProgress, () => vacuumInto(connection, made, targetKey))
      return readContent(connection, (part) => onProgress?.({ phase: 'reading', part }))
    },
    problems: () => structureProblems(connection),
  }
}

/**
 * Returns how to open a database that may be in use in order to copy it: for writing when its owner does so
 * and can, to block other writers.
 */
export async function openingToCopy(path: string): Promise<Pick<ProofOptions, 'access' | 'copying'>> {
  const { folderWritable, writable, uid } = await examineFile(path)
  const isOwn = [0, uid].includes(ownUser() ?? uid)
  return folderWritable && writable && isOwn ? { access: 'write' } : { access: 'read', copying: true }
}

/**
 * Uses a database that others may be using as a source. Two readers, one that copies and one that reads, must
 * see the same state: commits are blocked until both have begun, which takes a moment however large the file
 * is. `locked` means that the caller blocks them already.
 */
export function sharedSource(db: Database, locked = false): Source {
  return {
    path: db.facts.path,
    bytes: db.facts.size + (db.facts.walBytes ?? 0),
    copyInto: (made, { onProgress }) =>
      db.read((copier) =>
        db.read(async (reader) => {
          const begin = async () => {
            const read = await beginReading(reader)
            const copying = watchGrowth(made, db.facts.size, onProgress, () => vacuumInto(copier, made))
            const both = Promise.allSettled([read(), copying])
            await hasBegun(made, copying)
            return { both }
          }
          const { both } = await (locked || !db.writable ? begin() : holdingOthers(db, begin))
          const [content, copied] = await both
          if (copied.status === 'rejected') throw copied.reason
          if (content.status === 'rejected') throw content.reason
          return content.value
        }),
      ),
    problems: () => db.read(structureProblems),
  }
}

/**
 * Runs `begin` while nobody can commit. When another program holds the lock for longer than the wait, nobody
 * else can commit either. ROLLBACK releases the lock: in rollback-journal mode even an empty COMMIT waits for
 * readers.
 */
function holdingOthers<T>(db: Database, begin: () => Promise<T>): Promise<T> {
  return db.exclusively(async (writer) => {
    const holds = await writer.run('BEGIN IMMEDIATE').then(
      () => true,
      (error) => {
        if (error instanceof AppError && error.code === 'LOCKED') return false
        throw error
      },
    )
    try {
      await db.refuseReplaced()
      return await begin()
    } finally {
      if (holds) await writer.run('ROLLBACK')
    }
  }, 'hold')
}

/**
 * Resolves when the copy has bytes, which come from a state that is fixed by then, or when it has finished or
 * failed.
 */
async function hasBegun(made: string, copying: Promise<unknown>): Promise<void> {
  let over = false
  const end = () => {
    over = true
  }
  copying.then(end, end)
  while (!over && (await lstat(made)).size === 0) await pause(2)
}

/** Runs VACUUM INTO with the target as a bound URI, so that no key is in the text of a statement. */
async function vacuumInto(connection: Connection, made: string, key?: string): Promise<void> {
  const target = key === undefined ? made : `${pathToFileURL(made).href}?key=${encodeURIComponent(key)}`
  await connection.run('VACUUM INTO ?', [target])
}

async function watchGrowth<T>(
  path: string,
  expected: number,
  onProgress: OnProgress | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (!onProgress) return work()
  const timer = setInterval(() => {
    lstat(path).then(
      ({ size }) => onProgress({ phase: 'copying', part: Math.min(size / expected, 1) }),
      () => {},
    )
  }, 100)
  return work().finally(() => clearInterval(timer))
}

async function refuseTooLittleSpace(made: string, bytes: number): Promise<void> {
  const disk = await statfs(dirname(made))
  const free = disk.bavail * disk.bsize
  if (free >= bytes) return
  throw new AppError('IO', `${dirname(made)}: a copy needs ${bytes} bytes and ${free} are free`, {
    hint: 'df -h shows what is full; nothing was changed',
  })
}

async function refuseUnequal(
  content: Content,
  found: Inspection,
  source: Source,
  copy: InspectionRequest,
): Promise<void> {
  const unequal = content.sha256 !== found.content.sha256
  const renumbered = !unequal && content.row_numbers !== found.content.row_numbers
  // Rows that violate a rule of their own table do so in a faithful copy too.
  const wrong = unequal || renumbered
  const known = wrong || found.problems.length === 0 ? [] : await source.problems()
  const unknown = found.problems.filter((line) => !known.includes(line))
  // A read-only source may have been checked without the rules of its tables, so the copy is checked that way
  // again.
  const seen = wrong || unknown.length === 0 ? [] : await problemsWithoutRules(copy)
  const problem = unknown.find((line) => seen.includes(line))
  if (!wrong && problem === undefined) return
  throw new AppError(
    'CHECK_FAILED',
    wrong
      ? `the copy of ${source.path} does not hold what the database holds${renumbered ? ' under the same row numbers' : ''}; it was thrown away`
      : `the copy of ${source.path} is not sound (${problem}); it was thrown away`,
    { hint: ['the database was not changed', { step: 'check_health', about: 'check it' }] },
  )
}

/**
 * Replaces a file with a verified one, whose content is on the disk, completely or not at all; from then on
 * the old file is `aside`, with its -wal and -shm. `alone` means that the caller is the only user of the file
 * and that nothing is pending beside it.
 */
export async function takePlace(path: string, made: string, aside: string, alone: boolean): Promise<void> {
  const folder = dirname(path)
  const proven = await identify(made)
  try {
    if (alone) await rm(`${path}-journal`, { force: true }) // only an empty one, see takeSoleUse
    if (!(await hasBeside(path)) && (await linked(path, aside))) {
      await syncFolder(folder)
      await rename(made, path)
    } else {
      // The parts of a database move one by one, so at no moment is a part of one beside a part of the other.
      // This holds on the disk too: a -wal is never without its database, nor beside the new one.
      await rename(path, aside)
      await syncFolder(folder)
      await moveBeside(path, aside)
      await syncFolder(folder)
      await rename(made, path)
    }
    await syncFolder(folder)
  } catch (error) {
    if ((await identify(path)) === proven) await rename(path, made).catch(() => {})
    await putBack(path, aside).catch(() => {}) // otherwise a later run does it
    await syncFolder(folder).catch(() => {}) // before the new file is removed
    throw explainSystemError(error, path)
  }
}

/** Restores, after a failure, what was moved or linked aside. */
async function putBack(path: string, aside: string): Promise<void> {
  const [standing, moved] = await Promise.all([identify(path), identify(aside)])
  if (moved === undefined) return
  if (moved === standing) return rm(aside)
  await moveBeside(aside, path)
  await syncFolder(dirname(path)).catch(() => {})
  await rename(aside, path)
}

async function hasBeside(path: string): Promise<boolean> {
  const found = await Promise.all(BESIDE.map((suffix) => exists(path + suffix)))
  return found.includes(true)
}

/** Returns the SHA-256, hex, of a file that nobody in this process has open as a database. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
      hash.update(chunk as Buffer)
  } catch (error) {
    throw explainSystemError(error, path)
  }
  return hash.digest('hex')
}
