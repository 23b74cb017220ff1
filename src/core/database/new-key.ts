import { dirname } from 'node:path'
import { AppError } from '../errors.ts'
import { identify } from '../files/file-facts.ts'
import { isSettled } from '../files/sync-folder.ts'
import { type Key, withSalt } from '../keys/key.ts'
import { hold, release } from './held-files.ts'

/** The key that a database is to have. */
export interface NewKey {
  /** Asked before anything is done, and again before the key is needed: the two have to be the same. */
  read: () => Promise<Key>
  /** Stores the key where it will be looked for and makes sure of it; with the new file's salt. */
  store?: (key: Key, salt: Buffer) => Promise<void>
  /** Forgets a key that was generated for this; called only when no file can need it. */
  discard?: () => Promise<void>
}

/** The key and the salt of a file that is to be made. */
export interface KeyAndSalt {
  key: Key
  salt: Buffer
  /** SQLCipher's raw-key literal of both, which gives a new file this salt. */
  literal: string
}

/** A fresh salt, unless the key brings its own. */
export async function saltKey(key: Key): Promise<KeyAndSalt> {
  const { randomBytes } = await import('node:crypto')
  const salt = key.salt ?? randomBytes(16)
  return { key, salt, literal: withSalt(await key.literal(salt), salt) }
}

/**
 * The last step before a file with the new key counts: the key is stored, and its source gives it once more.
 */
export async function commitKey(newKey: NewKey, { key, salt }: KeyAndSalt): Promise<void> {
  await newKey.store?.(key, salt)
  if ((await newKey.read()).equals(key)) return
  throw new AppError('KEY_SOURCE', 'the source of the new key gave another key the second time', {
    hint: 'nothing was changed; a key source has to give the same key each time it is asked',
  })
}

/**
 * After a failure: forgets the new key, if it was made for this, unless a file may need it. None does while
 * the file at `path` is the one from `before`, or another process has put one there: that one has another
 * salt than ours was given.
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
  // A power cut could bring a file back that was removed a moment ago.
  if (salt && unchanged && !(await isSettled(dirname(path)))) return
  await newKey.discard()
}

/** Only what is known counts: of a file that is gone, or cannot be read, it is not. */
async function hasOtherSalt(path: string, salt: Buffer): Promise<boolean> {
  const held = await hold(path).catch(() => undefined)
  if (!held) return false
  release(held.file)
  const start = held.facts.samples.start.subarray(0, 16)
  return start.length === 16 && !start.equals(salt)
}
