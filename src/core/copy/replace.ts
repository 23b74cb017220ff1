import { withDatabase } from '../database/database.ts'
import { refuseIntruders } from '../database/diagnosis.ts'
import type { SoleUse } from '../database/sole-use.ts'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { discardDatabase, finishFile, publishFile, removeForGood } from '../files/new-file.ts'
import { refuseOtherNames } from '../files/other-names.ts'
import { type Owner, ownerOf, setMode } from '../files/owner.ts'
import { namesFor, type Operation } from '../files/recovery.ts'
import { refuseStrayLog } from '../files/stray-log.ts'
import type { Key } from '../keys/key.ts'
import { type CopyOptions, makeProvenCopy, type ProvenCopy, type Source, takePlace } from './copy.ts'

/** Which file is made or replaced, and from what. */
export interface Replacement extends CopyOptions {
  operation: Operation
  /** The file, links resolved. */
  path: string
  source: Source
  /** The raw key of the new file. */
  key: Key
  /** Whether the new file is to be in WAL mode. */
  wal: boolean
  /**
   * What stands at `path`: nothing (`free`), a file of which this process is the only user, or one that does
   * not open, so that it moves as it is, with what is beside it (`unread`).
   */
  standing: 'free' | SoleUse | 'unread'
  /** Whether what stood there stays, under a name of its own. */
  keep?: boolean
  /** Refuses the new file for a reason of the operation's own. */
  check?: (made: string, copy: ProvenCopy) => Promise<void>
  /** The last that can fail, or be stopped by `signal`, before the new file takes the place of the other. */
  commit?: () => Promise<void>
  /** Do all but the swap, and throw the new file away. */
  dryRun?: boolean
}

/**
 * Copy, prove, swap: the one way in which a whole database file comes to its place. Until the swap nothing
 * has changed; the swap is one rename, or a series that a later run goes on with. Resolves to where the file
 * is that stood there, null when it is gone for good. Throws IO when a file has appeared where none stood,
 * INVALID for a file that has other names too, unless `otherNames` says that they may keep the old one.
 */
export async function replaceDatabase(
  options: Replacement,
): Promise<{ copy: ProvenCopy; kept: string | null }> {
  const { operation, path, source, key, standing, keep = false, signal, now = () => new Date() } = options
  if (standing === 'free') await refuseStrayLog(path)
  if (standing !== 'free' && !options.otherNames && !options.dryRun) await refuseOtherNames(path)
  const { made, old, kept } = namesFor(path, operation, now())
  const prepare = options.wal ? () => useWal(made, key) : undefined
  const owner = standing === 'free' ? undefined : await ownerOfNew(options)
  const copy = await makeProvenCopy(source, made, key, { ...options, prepare, owner })
  try {
    await options.check?.(made, copy)
    if (options.dryRun) return { copy, kept: null }
    await finishFile(made)
    if (owner) await setMode(made, owner)
    signal?.throwIfAborted()
    await options.commit?.()
    if (standing === 'free') {
      await publishNew(made, path)
      return { copy, kept: null }
    }
    const aside = keep ? kept : old
    if (standing !== 'unread') await standing.settle()
    await takePlace(path, made, aside, standing !== 'unread')
    // What cannot be removed now is taken away by a later run.
    return { copy, kept: keep || !(await removeForGood(old)) ? aside : null }
  } catch (error) {
    throw explainSystemError(error, path)
  } finally {
    await discardDatabase(made).catch(() => {}) // a later run takes it away
  }
}

/**
 * A signal that stops work as `outer` does, until `seal` is called: what comes after cannot be stopped
 * half-way, and has then happened.
 */
export function sealable(outer: AbortSignal | undefined): { signal: AbortSignal; seal: () => void } {
  const inner = new AbortController()
  const stop = () => inner.abort(outer?.reason)
  if (outer?.aborted) stop()
  outer?.addEventListener('abort', stop)
  return { signal: inner.signal, seal: () => outer?.removeEventListener('abort', stop) }
}

/**
 * That of the file which is replaced; only what was plaintext, and has a key now, is closed to all others.
 */
async function ownerOfNew({ path, operation, warn }: Replacement): Promise<Owner | undefined> {
  const owner = await ownerOf(path, warn)
  return owner && operation === 'encrypt' ? { ...owner, mode: owner.mode & 0o770 } : owner
}

async function publishNew(made: string, path: string): Promise<void> {
  await refuseIntruders(path)
  await publishFile(made, path).catch((error) => {
    if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, path)
    throw new AppError('IO', `a file appeared at ${path} meanwhile; it was not overwritten`, {
      hint: 'look at it, then run the command again',
    })
  })
}

/** A copy that SQLite made is in rollback-journal mode. */
async function useWal(path: string, key: Key): Promise<void> {
  await withDatabase({ path, keys: async () => [key], access: 'write' }, (db) =>
    db.exclusively((writer) => writer.exec('PRAGMA journal_mode = WAL')),
  )
}
