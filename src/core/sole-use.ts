import { readdir, readFile, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import type { Connection } from './connection.ts'
import { lockedError } from './engine-errors.ts'
import { AppError } from './errors.ts'
import { exists, type FileFacts, identify } from './file-facts.ts'
import { ownPid } from './running.ts'

/** A file that nobody else can use, until its connection is closed. */
export interface SoleUse {
  /** Whether the file is in WAL mode when it is shared. */
  usesWal: boolean
  /** Puts the file back as it was, unless another has taken its place by then. */
  end: () => Promise<void>
}

/**
 * Makes a fresh connection the only one that anybody has to its file, with nothing left beside it but an empty
 * journal. Throws LOCKED after the connection's own patience.
 *
 * The lock is taken before the journal mode changes, so that nobody gets in between. Others that have a WAL database
 * open hold a lock that keeps this from succeeding; idle ones of a rollback-journal database hold none, so on Linux
 * the open files of all processes are looked through as well.
 */
export async function takeSoleUse(connection: Connection, facts: FileFacts): Promise<SoleUse> {
  await connection.exec('PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE')
  await connection.get('SELECT count(*) FROM sqlite_schema')
  const before = await connection.get<{ journal_mode: string }>('PRAGMA journal_mode')
  const usesWal = before?.journal_mode === 'wal'
  const now = await connection.get<{ journal_mode: string }>('PRAGMA journal_mode = DELETE')
  if (now?.journal_mode !== 'delete') throw lockedError(facts.path)
  await connection.exec('BEGIN EXCLUSIVE; COMMIT')
  const end = async () => {
    // Without the journal, which goes when another file takes this one's place, the mode could not be changed safely.
    const inPlace = (await identify(facts.realPath)) === facts.id
    if (usesWal && inPlace && (await exists(`${facts.realPath}-journal`))) {
      await connection.exec('PRAGMA journal_mode = WAL').catch(() => {})
    }
  }
  await refuseOtherUsers(facts).catch(async (error) => {
    await end()
    throw error
  })
  return { usesWal, end }
}

/** Throws LOCKED when another process has the file open, as far as that can be seen (on Linux). */
export async function refuseOtherUsers(facts: FileFacts): Promise<void> {
  const [other] = await otherUsersOf(facts.id)
  if (!other) return
  throw new AppError('LOCKED', `${facts.path} is open in another program: ${other}`, {
    hint: 'close that program and run this again',
  })
}

/** Other processes that have a file (device:inode) open, as `name (pid)`; those of other users cannot be seen. */
async function otherUsersOf(id: string): Promise<string[]> {
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
