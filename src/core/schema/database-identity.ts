import { parse } from 'node:path'
import { type DatabaseOptions, withDatabase } from '../database/database.ts'
import { saltOfFile } from '../database/held-files.ts'
import { AppError, type OutcomeCode } from '../errors.ts'
import { followLinks } from '../files/symlinks.ts'
import { birthOf, readApplied } from './ledger.ts'

/** The facts that distinguish one database, and so its backups, from every other. */
export interface DatabaseIdentity {
  /** The path with links resolved, even when they lead to nothing. */
  path: string
  /** The name of the file without its extension; backups are named after it. */
  name: string
  /**
   * The time of its creation; null when the database does not record it, undefined when it cannot be read.
   */
  born: string | null | undefined
  /** The first 16 bytes of the file, hex; undefined when it has none. */
  salt: string | undefined
  /** The reason why it cannot be read. */
  unread?: AppError
}

/**
 * Identifies a database as far as possible: one that is missing, damaged or under another key has a name and
 * perhaps a salt. Throws errors that end the command in any case, such as two key sources.
 */
export async function identifyDatabase(options: DatabaseOptions): Promise<DatabaseIdentity> {
  const path = await followLinks(options.path)
  const identity = { path, name: parse(path).name }
  try {
    return await withDatabase({ ...options, path, access: 'read', recover: false }, async (db) => ({
      ...identity,
      born: birthOf(await db.read(readApplied)),
      salt: db.facts.samples.start.subarray(0, 16).toString('hex'),
    }))
  } catch (error) {
    if (!(error instanceof AppError) || STOPPING.has(error.code)) throw error
    return {
      ...identity,
      born: undefined,
      salt: await saltOfFile(path).catch(() => undefined),
      unread: error,
    }
  }
}

/** All other codes mean that the file, or its key, is not what it should be. */
const STOPPING = new Set<OutcomeCode>(['USAGE', 'DECLINED', 'SIGINT', 'SIGTERM', 'FAILURE'])
