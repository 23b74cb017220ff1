import type { Connection } from './connection.ts'
import { readContent } from './content.ts'
import { type CopyOptions, type Source, soleSource } from './copy.ts'
import { type Database, type DatabaseOptions, opensWith, withDatabase } from './database.ts'
import { isEngineError } from './engine-errors.ts'
import { AppError } from './errors.ts'
import { examineFile } from './file-facts.ts'
import { Key } from './key.ts'
import { type KeyAndSalt, saltKey } from './new-key.ts'
import { replaceDatabase, sealable } from './replace.ts'
import { type Recovery, recover } from './unfinished.ts'

/** What `upgrade` did. */
export interface UpgradeReport {
  path: string
  /** False when the file was in the current format already. */
  changed: boolean
  /** Where the file in the old format is now. */
  previous: string | null
  recovered: Recovery[]
}

/**
 * Brings a file of SQLCipher 1 to 3 into the format of SQLCipher 4, under the same passphrase or raw key. What stood
 * there is kept beside it. Throws WRONG_KEY when the key opens it in no format.
 */
export async function upgradeDatabase(options: DatabaseOptions & CopyOptions): Promise<UpgradeReport> {
  const { realPath, kind } = await examineFile(options.path)
  const report = { path: options.path, changed: false, previous: null, recovered: await recover(realPath) }
  if (kind === 'file' && (await opensWith(options.path, options.keys))) return report
  const { signal, seal } = sealable(options.signal)
  const opening = { ...options, signal, form: 'old_cipher', access: 'write' } as const
  const { kept } = await withDatabase(opening, async (db) => {
    const salted = await saltKey(await keyThatOpened(db, options))
    return db.alone((connection, sole) =>
      replaceDatabase({
        ...options,
        signal,
        operation: 'upgrade',
        path: realPath,
        source: oldFormatSource(db, connection, salted),
        key: new Key(salted.literal),
        wal: sole.usesWal,
        standing: sole,
        keep: true,
        commit: async () => seal(),
      }),
    )
  })
  return { ...report, changed: true, previous: kept }
}

/** Which of the keys it was: as it was given, because the new format derives another raw key from a passphrase. */
async function keyThatOpened(db: Database, { keys }: DatabaseOptions): Promise<Key> {
  const salt = db.facts.samples.start.subarray(0, 16)
  for (const key of await keys(salt)) {
    for (const format of [3, 2, 1] as const) {
      if (db.key?.equals(new Key(await key.literal(salt, format)))) return key
    }
  }
  throw new Error('the key that opened the file is not among those that were given')
}

/**
 * VACUUM INTO keeps the page layout, which differs between the formats, so the tables are copied instead: in one
 * transaction, without which a killed copy could look whole. It leaves out two numbers, which are set after it.
 */
function oldFormatSource(db: Database, connection: Connection, { literal }: KeyAndSalt): Source {
  return {
    ...soleSource(db, connection),
    copyInto: async (made, { onProgress }) => {
      const numbers = await Promise.all(
        ['user_version', 'application_id'].map(async (name) => {
          const row = await connection.get<Record<string, number>>(`PRAGMA ${name}`)
          return `PRAGMA made.${name} = ${row?.[name] ?? 0};`
        }),
      )
      await connection.run('ATTACH ? AS made KEY ?', [made, literal])
      await connection.exec('BEGIN')
      await connection.get("SELECT sqlcipher_export('made')").catch((error) => {
        throw exportError(error, made)
      })
      await connection.exec(`${numbers.join(' ')} COMMIT; DETACH made`)
      return readContent(connection, (part) => onProgress?.({ phase: 'reading', part }))
    },
  }
}

/** The function reports every failure, a full disk too, under the code of mistakes in SQL. */
function exportError(error: unknown, made: string): unknown {
  if (!isEngineError(error)) return error
  return new AppError('IO', `${made} could not be written: ${error.message.replace(/^SQLITE_ERROR: /, '')}`, {
    hint: 'df -h shows whether the disk is full; nothing was changed',
    cause: error,
  })
}
