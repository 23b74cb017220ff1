import { type CopyOptions, soleSource } from '../copy/copy.ts'
import { replaceDatabase, sealable } from '../copy/replace.ts'
import { type DatabaseOptions, withDatabase } from '../database/database.ts'
import { commitKey, discardUnneeded, type KeyAndSalt, type NewKey, saltKey } from '../database/new-key.ts'
import type { SoleUse } from '../database/sole-use.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { examineFile, exists, identify } from '../files/file-facts.ts'
import { removeForGood } from '../files/new-file.ts'
import { refuseOtherNames } from '../files/other-names.ts'
import { type Recovery, recover } from '../files/recovery.ts'
import { describeTaken } from '../files/symlinks.ts'
import { Key } from '../keys/key.ts'

export interface EncryptOptions extends Omit<DatabaseOptions, 'keys'>, CopyOptions {
  /** The path of the plaintext file, when it is not at `path` itself. */
  from?: string
  newKey: NewKey
  /** Remove the plaintext once the encrypted file has its name. */
  removePlaintext?: boolean
}

/** The result of `encrypt`. */
export interface EncryptReport {
  /** The encrypted database. */
  path: string
  /**
   * The path of the plaintext file, or the path that it would have again after a power cut; null when it was
   * removed for good.
   */
  plaintext: string | null
  /** The outcome of its removal; `unconfirmed` when the disk did not confirm that it is gone. */
  removal: 'not_wanted' | 'done' | 'failed' | 'unconfirmed'
  schema_version: number
  counts: Record<string, number>
  recovered: Recovery[]
}

/**
 * Creates an encrypted database from a plaintext one, with the same verified steps as a change of key. The
 * plaintext is kept, beside the database if it was at its path, unless it is to be removed. Writes no
 * plaintext anywhere.
 */
export async function encryptDatabase(options: EncryptOptions): Promise<EncryptReport> {
  // For a symbolic link, the file it leads to: that is the one replaced.
  const { realPath } = await examineFile(options.path)
  const before = await identify(realPath)
  let salt: Buffer | undefined
  try {
    return await encrypt(options, (salted) => {
      salt = salted.salt
    })
  } catch (error) {
    await discardUnneeded(options.newKey, realPath, before, salt)
    throw error
  }
}

async function encrypt(
  options: EncryptOptions,
  onSalt: (salted: KeyAndSalt) => void,
): Promise<EncryptReport> {
  const { path, from = path, newKey, removePlaintext = false } = options
  const [source, target] = [await examineFile(from), await examineFile(path)]
  const inPlace = source.realPath === target.realPath
  const recovered = await recover(target.realPath)
  if (!inPlace && (await exists(path))) {
    throw new AppError('INVALID', await describeTaken(path), {
      hint: { step: 'choose_path', role: 'database', about: 'a new file for the encrypted database' },
    })
  }
  // A file removed under one name would still exist under the other.
  if (!inPlace && removePlaintext && !options.otherNames) await refuseOtherNames(source.realPath)
  const { signal, seal } = sealable(options.signal)
  const opening = {
    ...options,
    path: from,
    signal,
    keys: async () => [],
    form: 'plaintext',
    access: 'write',
  } as const
  return withDatabase(opening, async (db) => {
    const salted = await saltKey(await newKey.read())
    onSalt(salted)
    const replace = async (connection: Connection, sole: SoleUse): Promise<EncryptReport> => {
      const { copy, kept } = await replaceDatabase({
        ...options,
        signal,
        operation: 'encrypt',
        path: inPlace ? db.facts.realPath : path,
        source: soleSource(db, connection, salted.literal),
        key: new Key(salted.literal),
        wal: true,
        standing: inPlace ? sole : 'free',
        keep: !removePlaintext,
        commit: () => commitKey(newKey, salted).then(seal),
      })
      const plaintext = inPlace ? kept : await settlePlaintext(db.facts.realPath, removePlaintext)
      const removal = removePlaintext ? await removalOf(plaintext) : 'not_wanted'
      const { schema_version, counts } = copy.content
      return { path, plaintext, removal, schema_version, counts, recovered }
    }
    return db.alone(replace)
  })
}

/** Returns the final path of the plaintext: null only when it is known to be gone. */
async function settlePlaintext(path: string, remove: boolean): Promise<string | null> {
  return remove && (await removeForGood(path)) ? null : path
}

async function removalOf(plaintext: string | null): Promise<'done' | 'failed' | 'unconfirmed'> {
  if (plaintext === null) return 'done'
  return (await exists(plaintext)) ? 'failed' : 'unconfirmed'
}
