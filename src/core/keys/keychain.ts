import { platform, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../environment.ts'
import { AppError } from '../errors.ts'
import { exists } from '../files/file-facts.ts'

/**
 * The keychain of the operating system. An entry is named after the salt of a database (the first 16 bytes of
 * its file), which moves and is copied with the file; it holds a key as a key file does.
 */
export interface Keychain {
  /** Returns the stored text, or null. Throws KEY_SOURCE when there is no keychain, or it does not answer. */
  get(salt: Buffer): Promise<string | null>
  set(salt: Buffer, key: string): Promise<void>
  /** Deletes an entry; resolves to true when there was one. */
  delete(salt: Buffer): Promise<boolean>
}

/** Creates the error for a keychain that cannot be used; nothing else is ever silently used instead. */
export function keychainError(problem: string): AppError {
  return new AppError('KEY_SOURCE', `the keychain of the system ${problem}`, {
    hint: { step: 'name_key' },
  })
}

/**
 * Stores a key and verifies that it reads back unchanged. Throws KEY_SOURCE; then nothing of it remains
 * stored.
 */
export async function storeProven(keychain: Keychain, salt: Buffer, key: string): Promise<void> {
  await keychain.set(salt, key)
  if ((await keychain.get(salt)) === key) return
  await keychain.delete(salt).catch(() => {})
  throw keychainError('took the key and then gave back something else')
}

/**
 * Returns true when there can be a keychain: on Linux only when the session has a message bus; checking that
 * spares sessions without one the wait for an answer.
 */
export async function hasKeychain(env: Environment): Promise<boolean> {
  if (platform() !== 'linux' || env.DBUS_SESSION_BUS_ADDRESS) return true
  return exists(join(env.XDG_RUNTIME_DIR ?? `/run/user/${userInfo().uid}`, 'bus'))
}
