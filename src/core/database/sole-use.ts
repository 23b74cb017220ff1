import { readdir, readFile, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connection } from '../engine/connection.ts'
import { lockedError } from '../engine/engine-errors.ts'
import { AppError } from '../errors.ts'
import { exists, type FileFacts, identify } from '../files/file-facts.ts'
import { ownPid } from '../files/process-alive.ts'

/** Exclusive use of a file, until its connection is closed. */
export interface SoleUse {
  /** True when the file is in WAL mode while it is shared. */
  usesWal: boolean
  /**
   * Leaves nothing beside the file, and nothing that closing the connection would remove: then it may be
   * replaced.
   */
  settle: () => Promise<void>
  /** Restores what `settle` changed, unless another file has replaced this one by then. */
  end: () => Promise<void>
}

/**
 * Makes a new connection the only one to its file, after a checkpoint of everything committed. Throws LOCKED
 * after the connection's own lock timeout.
 *
 * In exclusive mode, any other connection to a WAL database, idle or not, blocks the lock. Idle connections
 * to a rollback-journal database hold no lock, so on Linux the open files of all processes are checked as
 * well.
 */
export async function takeSoleUse(connection: Connection, facts: FileFacts): Promise<SoleUse> {
  await connection.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA locking_mode = EXCLUSIVE')
  await connection.get('SELECT count(*) FROM sqlite_schema')
  const mode = await connection.get<{ journal_mode: string }>('PRAGMA journal_mode')
  const usesWal = mode?.journal_mode === 'wal'
  if (usesWal) await connection.get('PRAGMA wal_checkpoint(TRUNCATE)')
  await connection.exec('BEGIN EXCLUSIVE; ROLLBACK')
  await refuseOtherUsers(facts)
  const journal = `${facts.realPath}-journal`
  const settle = async () => {
    if (!usesWal) return
    const changed = await connection.get<{ journal_mode: string }>('PRAGMA journal_mode = DELETE')
    if (changed?.journal_mode !== 'delete') throw lockedError(facts.path)
  }
  const end = async () => {
    // Without the journal, which disappears when another file replaces this one, the mode could not be
    // changed safely.
    const inPlace = (await identify(facts.realPath)) === facts.id
    if (usesWal && inPlace && (await exists(journal))) {
      await connection.exec('PRAGMA journal_mode = WAL').catch(() => {})
    }
  }
  return { usesWal, settle, end }
}

/**
 * Retries `work` while it throws LOCKED, for as many seconds as the wait for a lock may take. Other processes
 * that wait for this one have the file open too, and would block it just as long: between two tries they get
 * through. `isStopped` ends it early.
 */
export async function patiently<T>(
  seconds: number,
  work: () => Promise<T>,
  isStopped: () => boolean | undefined,
): Promise<T> {
  const until = performance.now() + seconds * 1000
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const mayTry = error instanceof AppError && error.code === 'LOCKED' && performance.now() < until
      if (!mayTry || isStopped()) throw error
      await pause(25 + Math.random() * 75)
    }
  }
}

/** Throws LOCKED when another process has the file open, as far as that is visible (on Linux). */
export async function refuseOtherUsers(facts: FileFacts): Promise<void> {
  const [other] = await otherUsersOf(facts.id)
  if (!other) return
  throw new AppError('LOCKED', `${facts.path} is open in another program: ${other}`, {
    hint: 'close that program and run this again',
  })
}

/**
 * Returns the other processes that have a file (device:inode) open, as `name (pid)`; those of other users are
 * not visible.
 */
export async function otherUsersOf(id: string): Promise<string[]> {
  if (platform() !== 'linux') return []
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== ownPid)
  const users = await Promise.all(pids.map(async (pid) => ((await hasOpen(pid, id)) ? nameOf(pid) : '')))
  return users.filter((user) => user !== '')
}

async function hasOpen(pid: string, id: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const descriptors = await readdir(folder).catch(() => [])
  const ids = await Promise.all(
    descriptors.map((name) =>
      stat(`${folder}/${name}`).then(
        ({ dev, ino }) => `${dev}:${ino}`,
        () => '',
      ),
    ),
  )
  return ids.includes(id)
}

async function nameOf(pid: string): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'process')
  return `${name.trim()} (${pid})`
}
