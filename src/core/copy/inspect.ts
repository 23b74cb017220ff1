import { type Database, withDatabase } from '../database/database.ts'
import type { Explain } from '../database/inquiry.ts'
import type { Connection } from '../engine/connection.ts'
import { isEngineError } from '../engine/engine-errors.ts'
import type { Key } from '../keys/key.ts'
import { type Content, readContent } from './content-hash.ts'

/** The file to inspect, and the key that opens it. */
export interface InspectionRequest {
  path: string
  key: Key
}

/** The findings of an independent process in a file. */
export interface Inspection {
  content: Content
  /**
   * The problems that SQLite's check of the structure and SQLCipher's check of every page find; empty for a
   * sound file.
   */
  problems: string[]
  /** Rows that refer to records that do not exist, by table; a faithful copy has them too. */
  orphans: string[]
  sqlite_version: string
  cipher_version: string
}

/** Inspects a file in a process of its own; throws the errors of opening it. */
export type Inspect = (
  request: InspectionRequest,
  options?: { signal?: AbortSignal; onPart?: (part: number) => void },
) => Promise<Inspection>

/** Reads all of a finished file, with the checks in parallel on connections of their own. */
export async function inspectFile(
  { path, key }: InspectionRequest,
  onPart?: (part: number) => void,
  explain?: Explain,
): Promise<Inspection> {
  const opening = { path, keys: async () => [key], readers: 3, recover: false, explain }
  return withDatabase(opening, (db) => inspectDatabase(db, onPart))
}

async function inspectDatabase(db: Database, onPart?: (part: number) => void): Promise<Inspection> {
  const [content, structure, pages, orphans, versions] = await Promise.all([
    db.read((reader) => readContent(reader, onPart)),
    db.read(structureProblems),
    db.read(pageProblems),
    db.read(orphanProblems),
    db.read((reader) => reader.get<{ sqlite: string }>('SELECT sqlite_version() AS sqlite')),
  ])
  const cipher = await db.read((reader) => reader.get<{ cipher_version: string }>('PRAGMA cipher_version'))
  return {
    content,
    problems: [...pages, ...structure],
    orphans,
    sqlite_version: versions?.sqlite ?? '',
    cipher_version: cipher?.cipher_version ?? '',
  }
}

/**
 * Returns the problems that SQLite finds in tables and indexes; they include faulty rows (a NULL where none
 * may be), and a full-text index that cannot be opened, which ends the check.
 */
export async function structureProblems(connection: Connection): Promise<string[]> {
  const rows = await connection.all<{ integrity_check: string }>('PRAGMA integrity_check').catch((error) => {
    if (!isEngineError(error) || error.code !== 'SQLITE_ERROR') throw error
    return [{ integrity_check: error.message.replace(/^SQLITE_ERROR: /, '') }]
  })
  return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok')
}

/**
 * Returns the problems of a finished file, except rows that violate a CHECK rule: a read-only connection
 * ignores such rules.
 */
export function problemsWithoutRules({ path, key }: InspectionRequest): Promise<string[]> {
  return withDatabase({ path, keys: async () => [key], copying: true, recover: false }, async (db) => [
    ...(await db.read(pageProblems)),
    ...(await db.read(structureProblems)),
  ])
}

async function orphanProblems(connection: Connection): Promise<string[]> {
  try {
    const rows = await connection.all<{ table: string; parent: string; orphans: number }>(
      `SELECT "table", parent, count(*) AS orphans FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2`,
    )
    return rows.map(
      ({ table, parent, orphans }) => `${table}: ${orphans} rows point at no record of ${parent}`,
    )
  } catch (error) {
    // Keys that SQLite cannot check, because the table that they refer to lacks a suitable key.
    if (isEngineError(error) && error.code === 'SQLITE_ERROR') return [error.message]
    throw error
  }
}

async function pageProblems(connection: Connection): Promise<string[]> {
  const rows = await connection.all<{ cipher_integrity_check: string }>('PRAGMA cipher_integrity_check')
  return rows.map((row) => row.cipher_integrity_check)
}
