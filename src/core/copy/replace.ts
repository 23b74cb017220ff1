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

/** The file to create or replace, and its source. */
export interface Replacement extends CopyOptions {
  operation: Operation
  /** The path, with links resolved. */
  path: string
  source: Source
  /** The raw key of the new file. */
  key: Key
  /** True when the new file is to be in WAL mode. */
  wal: boolean
  /**
   * The existing file at `path`: none (`free`), a file that only this process uses, or one that does not
   * open, so that it moves unchanged, with what is beside it (`unread`).
   */
  standing: 'free' | SoleUse | 'unread'
  /** True to keep the old file, under a name of its own. */
  keep?: boolean
  /** Rejects the new file for a reason specific to the operation. */
  check?: (made: string, copy: ProvenCopy) => Promise<void>
  /** The last action that can fail, or that `signal` can stop, before the new file replaces the old one. */
  commit?: () => Promise<void>
  /** Do everything but the swap, and discard the new file. */
  dryRun?: boolean
}

/**
 * Copies, verifies and swaps: the one way in which a complete database file gets its name. Until the swap
 * nothing has changed; the swap is one rename, or a series that a later run continues. Resolves to the path
 * of the old file, null when it is gone for good. Throws IO when a file has appeared where there was none,
 * INVALID for a file that has other names too, unless `otherNames` allows them to keep the old one.
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
    // A later run removes what cannot be removed now.
    return { copy, kept: keep || !(await removeForGood(old)) ? aside : null }
  } catch (error) {
    throw explainSystemError(error, path)
  } finally {
    await discardDatabase(made).catch(() => {}) // a later run removes it
  }
}

/**
 * Derives a signal that aborts as `outer` does, until `seal` is called: what follows cannot be stopped
 * part-way, and always completes.
 */
export function sealable(outer: AbortSignal | undefined): { signal: AbortSignal; seal: () => void } {
  const inner = new AbortController()
  const stop = () => inner.abort(outer?.reason)
  if (outer?.aborted) stop()
  outer?.addEventListener('abort', stop)
  return { signal: inner.signal, seal: () => outer?.removeEventListener('abort', stop) }
}

/**
 * Returns the owner for the new file: that of the file it replaces; only a file that was plaintext, and now
 * has a key, is closed to all other users.
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

/** Switches to WAL mode, since a copy that SQLite made is in rollback-journal mode. */
async function useWal(path: string, key: Key): Promise<void> {
  await withDatabase({ path, keys: async () => [key], access: 'write' }, (db) =>
    db.exclusively((writer) => writer.exec('PRAGMA journal_mode = WAL')),
  )
}
