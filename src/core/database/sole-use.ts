import { readdir, readFile, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connection } from '../engine/connection.ts'
import { lockedError } from '../engine/engine-errors.ts'
import { AppError } from '../errors.ts'
import { exists, type FileFacts, identify } from '../files/file-facts.ts'
import { ownPid } from '../files/process-alive.ts'

/** A file that nobody else can use, until its connection is closed. */
export interface SoleUse {
  /** Whether the file is in WAL mode when it is shared. */
  usesWal: boolean
  /**
   * Leaves nothing beside the file, and nothing that closing the connection would remove: then it may be
   * replaced.
   */
  settle: () => Promise<void>
  /** Puts back what `settle` changed, unless another file has taken the place of this one by then. */
  end: () => Promise<void>
}

/**
 * Makes a fresh connection the only one that anybody has to its file, with all that was committed folded into
 * it. Throws LOCKED after the connection's own patience.
 *
 * In exclusive mode the lock of a WAL database is one that every other connection, idle or not, keeps from
 * being taken. Idle ones of a rollback-journal database hold no lock: so on Linux the open files of all
 * processes are looked through as well.
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
    // Without the journal, which goes when another file takes this one's place, the mode could not be changed
    // safely.
    const inPlace = (await identify(facts.realPath)) === facts.id
    if (usesWal && inPlace && (await exists(journal))) {
      await connection.exec('PRAGMA journal_mode = WAL').catch(() => {})
    }
  }
  return { usesWal, settle, end }
}

/**
 * Tries `work` again while it throws LOCKED, for as many seconds as a lock is waited for. Others that wait
 * for this process have the file open too, and would keep it from its work for as long: between two tries
 * they get through. What `isStopped` says ends it early.
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

/** Throws LOCKED when another process has the file open, as far as that can be seen (on Linux). */
export async function refuseOtherUsers(facts: FileFacts): Promise<void> {
  const [other] = await otherUsersOf(facts.id)
  if (!other) return
  throw new AppError('LOCKED', `${facts.path} is open in another program: ${other}`, {
    hint: 'close that program and run this again',
  })
}

/**
 * Other processes that have a file (device:inode) open, as `name (pid)`; those of other users cannot be seen.
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
