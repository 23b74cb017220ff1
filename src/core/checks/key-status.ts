import { askKeys } from '../database/ask-keys.ts'
import { type DatabaseOptions, opensWith } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { examineFile, readSalt, readSamples } from '../files/file-facts.ts'
import { type Recovery, recover } from '../files/recovery.ts'
import { describeDangling } from '../files/symlinks.ts'
import { findSpelling, type Spelling } from '../keys/key-spelling.ts'
import type { Keychain } from '../keys/keychain.ts'

/** The facts about the key that do not reveal it. */
export interface KeyStatus {
  path: string
  /** Distinguishes keys; a passphrase has another one for each database. */
  fingerprint: string
  opens: boolean
  /** The state of the keychain of the operating system: whether it has a key for this file. */
  keychain: 'stored' | 'empty' | 'unavailable'
  /** The name of its keychain entry: the first 16 bytes of the file, hex. */
  salt: string
  recovered: Recovery[]
  /** Another spelling of the key that opens the database when this one does not. */
  spelling: Spelling | undefined
}

/**
 * Reports whether the key opens the database, and whether the keychain has it. Finishes or rolls back an
 * interrupted operation first.
 */
export async function keyStatus(
  { path, keys }: Pick<DatabaseOptions, 'path' | 'keys'>,
  keychain: Keychain | undefined,
): Promise<KeyStatus> {
  const recovered = await recover((await examineFile(path)).realPath)
  const salt = await saltOf(path)
  const samples = await readSamples(await examineFile(path))
  const candidates = await askKeys(keys, { path, samples })
  const opening = await firstThatOpens(path, candidates)
  const [shown] = opening ? [opening] : candidates
  if (!shown) throw new Error('a key source gave no key')
  return {
    path,
    fingerprint: await shown.fingerprint(salt),
    opens: opening !== undefined,
    keychain: await askKeychain(keychain, salt),
    salt: salt.toString('hex'),
    recovered,
    spelling: opening ? undefined : await findSpelling(candidates, { path, samples }),
  }
}

type Keys = Awaited<ReturnType<DatabaseOptions['keys']>>

async function firstThatOpens(path: string, keys: Keys) {
  for (const key of keys) if (await opensWith(path, async () => [key])) return key
  return undefined
}

/** Returns the salt of an existing database. Throws NO_DATABASE. */
export async function saltOf(path: string): Promise<Buffer> {
  const salt = await readSalt(path)
  if (salt.length === 16) return salt
  const dangling = await describeDangling(path)
  throw new AppError('NO_DATABASE', dangling?.words ?? `there is no encrypted database at ${path}`, {
    hint: dangling?.hint ?? [
      { step: 'make_database' },
      { step: 'choose_path', role: 'database', about: 'another one' },
    ],
  })
}

async function askKeychain(keychain: Keychain | undefined, salt: Buffer): Promise<KeyStatus['keychain']> {
  if (!keychain) return 'unavailable'
  try {
    return (await keychain.get(salt)) === null ? 'empty' : 'stored'
  } catch (error) {
    if (error instanceof AppError) return 'unavailable'
    throw error
  }
}
