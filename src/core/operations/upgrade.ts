import { readContent } from '../copy/content-hash.ts'
import { type CopyOptions, type Source, soleSource } from '../copy/copy.ts'
import { copyTables } from '../copy/copy-tables.ts'
import { replaceDatabase, sealable } from '../copy/replace.ts'
import { type Database, type DatabaseOptions, opensWith, withDatabase } from '../database/database.ts'
import { causeError } from '../database/diagnosis.ts'
import { checkPages, namePages, unreadable } from '../database/diagnosis-with-keys.ts'
import { type KeyAndSalt, saltKey } from '../database/new-key.ts'
import type { Connection } from '../engine/connection.ts'
import { isEngineError } from '../engine/engine-errors.ts'
import { AppError } from '../errors.ts'
import { examineFile } from '../files/file-facts.ts'
import { type Recovery, recover } from '../files/recovery.ts'
import { Key } from '../keys/key.ts'

/** The result of `upgrade`. */
export interface UpgradeReport {
  path: string
  /** False when the file already had the current format. */
  changed: boolean
  /** The path of the file in the old format. */
  previous: string | null
  recovered: Recovery[]
}

/**
 * Upgrades a file of SQLCipher 1 to 3, or one with other cipher settings, to the format of SQLCipher 4, under
 * the same passphrase or raw key. The old file is kept beside it. Throws WRONG_KEY when the key opens it with
 * no known settings; `knownSettings` helps when they are unusual.
 */
export async function upgradeDatabase(options: DatabaseOptions & CopyOptions): Promise<UpgradeReport> {
  const { realPath, kind } = await examineFile(options.path)
  const report = { path: options.path, changed: false, previous: null, recovered: await recover(realPath) }
  if (kind === 'file' && (await opensWith(options.path, options.keys))) return report
  const { signal, seal } = sealable(options.signal)
  const opening = { ...options, signal, form: 'other_cipher', access: 'write' } as const
  const { kept } = await withDatabase(opening, async (db) => {
    if (!db.given) throw new Error('an encrypted file opens with a key')
    const salted = await saltKey(db.given)
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

/**
 * Creates a source that copies table by table: VACUUM INTO keeps the page layout, which differs between the
 * formats.
 */
function oldFormatSource(db: Database, connection: Connection, { literal }: KeyAndSalt): Source {
  return {
    ...soleSource(db, connection),
    copyInto: async (made, { onProgress }) => {
      try {
        await refuseDamagedPages(connection, db.facts.path)
        await connection.run('ATTACH ? AS made KEY ?', [made, literal])
        await copyTables(connection)
      } catch (error) {
        throw copyError(error, db.facts.path)
      }
      await connection.run('DETACH made')
      return readContent(connection, (part) => onProgress?.({ phase: 'reading', part }))
    },
  }
}

/**
 * Throws when any page is damaged, even one that the copy would never read, so that damage is never reported
 * as upgraded. Format 1 has no such check.
 */
async function refuseDamagedPages(connection: Connection, path: string): Promise<void> {
  const { pages, unread } = await checkPages(connection)
  if (unread.length > 0) throw causeError(unreadable(path, unread))
  if (pages.length > 0) throw damagedError(path, `${namePages(pages)} failed the authenticity check`)
}

/**
 * Explains an error of the copy: a value that the new tables reject violated the same rules in the old file.
 */
function copyError(error: unknown, path: string): unknown {
  if (!(error instanceof AppError) || !isEngineError(error.cause) || error.code !== 'INVALID') return error
  return new AppError('CHECK_FAILED', `${path} breaks the rules of its own tables: ${error.message}`, {
    hint: 'nothing was changed; mend the row with a program that opens the old format, then run this again',
    cause: error,
  })
}

function damagedError(path: string, reason: string): AppError {
  return new AppError('CORRUPT', `${path} is damaged: ${reason}`, {
    hint: 'nothing was changed; look for a backup of it, and upgrade that one',
  })
}
