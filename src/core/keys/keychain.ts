import { platform, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../environment.ts'
import { AppError } from '../errors.ts'
import { exists } from '../files/file-facts.ts'

/**
 * The keychain of the system. An entry is named after a database's salt (the first 16 bytes of its file),
 * which moves and is copied with the file; it holds a key as a key file would.
 */
export interface Keychain {
  /** The stored text, or null. Throws KEY_SOURCE when there is no keychain, or it does not answer. */
  get(salt: Buffer): Promise<string | null>
  set(salt: Buffer, key: string): Promise<void>
  /** Whether there was an entry. */
  delete(salt: Buffer): Promise<boolean>
}

/** What is thrown when the keychain cannot be used; never is anything else taken in its place silently. */
export function keychainError(problem: string): AppError {
  return new AppError('KEY_SOURCE', `the keychain of the system ${problem}`, {
    hint: { step: 'name_key' },
  })
}

/** Stores a key and makes sure that it is what comes back. Throws KEY_SOURCE; then nothing is left of it. */
export async function storeProven(keychain: Keychain, salt: Buffer, key: string): Promise<void> {
  await keychain.set(salt, key)
  if ((await keychain.get(salt)) === key) return
  await keychain.delete(salt).catch(() => {})
  throw keychainError('took the key and then gave back something else')
}

/**
 * Whether there can be a keychain: on Linux only where the session has a message bus, which saves those
 * without one from waiting for an answer.
 */
export async function hasKeychain(env: Environment): Promise<boolean> {
  if (platform() !== 'linux' || env.DBUS_SESSION_BUS_ADDRESS) return true
  return exists(join(env.XDG_RUNTIME_DIR ?? `/run/user/${userInfo().uid}`, 'bus'))
}
