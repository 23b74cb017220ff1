import { dirname } from 'node:path'
import { AppError } from '../errors.ts'
import { identify } from '../files/file-facts.ts'
import { isSettled } from '../files/sync-folder.ts'
import { type Key, withSalt } from '../keys/key.ts'
import { hold, release } from './held-files.ts'

/** The new key for a database. */
export interface NewKey {
  /**
   * Called before anything is done, and again before the key is needed: both calls have to return the same
   * key.
   */
  read: () => Promise<Key>
  /** Stores the key, with the salt of the new file, where later runs look for it, and verifies it. */
  store?: (key: Key, salt: Buffer) => Promise<void>
  /** Discards a key that was generated for this operation; called only when no file can need it. */
  discard?: () => Promise<void>
}

/** The key and the salt for a new file. */
export interface KeyAndSalt {
  key: Key
  salt: Buffer
  /** SQLCipher's raw-key literal of both, which gives a new file this salt. */
  literal: string
}

/** Adds a random salt to a key, unless the key contains its own. */
export async function saltKey(key: Key): Promise<KeyAndSalt> {
  const { randomBytes } = await import('node:crypto')
  const salt = key.salt ?? randomBytes(16)
  return { key, salt, literal: withSalt(await key.literal(salt), salt) }
}

/**
 * Commits to the new key, the last step before a file with it becomes valid: stores the key and reads it from
 * its source once more.
 */
export async function commitKey(newKey: NewKey, { key, salt }: KeyAndSalt): Promise<void> {
  await newKey.store?.(key, salt)
  if ((await newKey.read()).equals(key)) return
  throw new AppError('KEY_SOURCE', 'the source of the new key gave another key the second time', {
    hint: 'nothing was changed; a key source has to give the same key each time it is asked',
  })
}

/**
 * Discards the new key after a failure, if it was generated for this operation, unless a file may need it. No
 * file does while the file at `path` is the one from `before`, or one that another process put there, with a
 * salt other than ours.
 */
export async function discardUnneeded(
  newKey: NewKey,
  path: string,
  before: string | undefined,
  salt: Buffer | undefined,
): Promise<void> {
  if (!newKey.discard) return
  const unchanged = (await identify(path)) === before
  if (salt && !unchanged && !(await hasOtherSalt(path, salt))) return
  // A power cut could bring back a file that was removed a moment ago.
  if (salt && unchanged && !(await isSettled(dirname(path)))) return
  await newKey.discard()
}

/** Returns true when a file is known to have another salt; false when it is missing or cannot be read. */
async function hasOtherSalt(path: string, salt: Buffer): Promise<boolean> {
  const held = await hold(path).catch(() => undefined)
  if (!held) return false
  release(held.file)
  const start = held.facts.samples.start.subarray(0, 16)
  return start.length === 16 && !start.equals(salt)
}
