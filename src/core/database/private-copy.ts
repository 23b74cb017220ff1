import { constants } from 'node:fs'
import { copyFile, lstat, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { lockedError } from '../engine/engine-errors.ts'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { type FileFacts, holdsTransaction, ownUser } from '../files/file-facts.ts'
import { mayStillRun, ownPid } from '../files/process-alive.ts'

/** A copy of an encrypted database, with the pending content of its -wal, in a folder of its own. */
export interface PrivateCopy {
  path: string
  walBytes: number | undefined
  /** Removes the folder. */
  remove: () => Promise<void>
}

/**
 * Copies a database, which others may be using, as committed at one moment. Nobody in this process may have
 * it open. Tries again while it changes, and throws LOCKED after `patience` milliseconds; IO when the copy
 * cannot be created.
 */
export async function makePrivateCopy(facts: FileFacts, patience: number): Promise<PrivateCopy> {
  await removeLeft()
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${ownPid}-`)).catch((error) => {
    throw noPlace(facts.path, error)
  })
  const remove = () => rm(folder, { recursive: true, force: true })
  const path = join(folder, 'database.db')
  const until = performance.now() + patience
  try {
    for (;;) {
      const walBytes = await copyOnce(facts, path)
      if (walBytes !== 'changed') return { path, walBytes, remove }
      if (performance.now() > until) throw lockedError(facts.path)
      await pause(RACY)
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/**
 * The possible granularity of a file system clock, in milliseconds: a more recent change may go unnoticed.
 */
const RACY = 10

/**
 * Copies the files once. The database file may change during the copy only in ways that the -wal beside it
 * makes good: all that a checkpoint writes into it stays in the -wal until the -wal restarts, which its first
 * bytes show.
 */
async function copyOnce(
  { realPath, path: named }: FileFacts,
  path: string,
): Promise<number | undefined | 'changed'> {
  try {
    for (const left of [path, `${path}-wal`]) await rm(left, { force: true })
    const before = await stateOf(realPath)
    const age = Date.now() - before.changed
    const isRacy = before.wal === '' && age >= 0 && age < RACY
    if (before.hasJournal || isRacy) return 'changed'
    await copyFile(realPath, path, constants.COPYFILE_FICLONE)
    if (before.wal !== '') await copyFile(`${realPath}-wal`, `${path}-wal`, constants.COPYFILE_FICLONE)
    const after = await stateOf(realPath)
    const same = before.wal === '' ? before.content === after.content : before.wal === after.wal
    if (after.hasJournal || before.id !== after.id || !same) return 'changed'
    return before.wal === '' ? undefined : (await lstat(`${path}-wal`)).size
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'changed'
    if (['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '')) throw noPlace(named, error)
    throw explainSystemError(error, named)
  }
}

async function stateOf(path: string) {
  const { dev, ino, size, mtimeNs, mtimeMs } = await lstat(path, { bigint: true })
  return {
    id: `${dev}:${ino}`,
    content: `${size} ${mtimeNs}`,
    changed: Number(mtimeMs),
    hasJournal: await holdsTransaction(`${path}-journal`),
    wal: await headerOf(`${path}-wal`),
  }
}

/**
 * Returns the header of a -wal, which changes each time the -wal restarts; empty when nothing is pending in
 * it.
 */
async function headerOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  })
  try {
    const read = await file?.read(Buffer.alloc(32), 0, 32, 0)
    if (!file || !read || read.bytesRead < 32) return ''
    const { dev, ino } = await file.stat()
    return `${dev}:${ino} ${read.buffer.toString('hex')}`
  } finally {
    await file?.close()
  }
}

const PREFIX = 'libreollama-db-read-'

/** Removes what killed readers of the same user left. */
async function removeLeft(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const [, pid] = name.startsWith(PREFIX) ? (/^(\d+)-/.exec(name.slice(PREFIX.length)) ?? []) : []
    if (pid === undefined) continue
    const folder = join(tmpdir(), name)
    const status = await lstat(folder).catch(() => undefined)
    if (!status?.isDirectory() || status.uid !== ownUser()) continue
    if (await mayStillRun(Number(pid), status.ctime)) continue
    await rm(folder, { recursive: true, force: true }).catch(() => {})
  }
}

function noPlace(path: string, cause: unknown): AppError {
  return new AppError('IO', `there is no room in ${tmpdir()} for the copy through which ${path} is read`, {
    hint: 'name another place for temporary files with the variable TMPDIR',
    cause,
  })
}
