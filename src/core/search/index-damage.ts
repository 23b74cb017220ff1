import type { Inquiry } from '../database/inquiry.ts'
import type { Connection } from '../engine/connection.ts'
import { quoteName } from '../engine/quote-name.ts'
import { AppError } from '../errors.ts'
import { INDEX_TABLES, NO_LOSS } from '../schema/index-tables.ts'
import { namedTables } from '../schema/table-names.ts'

/** The location of damage that affects no record: in the full-text index, or in pages that nothing uses. */
export type HarmlessDamage = 'index' | 'unused'

/**
 * Checks each table separately to find what the damage affects; undefined when a record may be lost, or when
 * the schema itself cannot be read. Reads all tables.
 */
export async function findHarmlessDamage(read: Inquiry['read']): Promise<HarmlessDamage | undefined> {
  const tables = await read(namedTables).catch(() => undefined)
  if (!tables) return undefined
  let index = false
  for (const { name, kind } of tables) {
    if (INDEX_TABLES.includes(name)) index ||= !(await isSound(read, name))
    else if (kind !== 'virtual' && !(await isSound(read, name))) return undefined
  }
  return index ? 'index' : 'unused'
}

/** Creates the error for damage in the full-text index; `detail` names what was found. */
export function indexDamaged(path: string, detail: string, cause: unknown): AppError {
  return new AppError('CORRUPT', `${path}: the full-text index is damaged${detail && ` (${detail})`}`, {
    hint: NO_LOSS,
    cause,
  })
}

async function isSound(read: Inquiry['read'], table: string): Promise<boolean> {
  return (await confirmedProblem(read, (reader) => problemsOf(reader, table))) === undefined
}

const TRIES = 3

/**
 * Returns the first problem that a check finds every time: a disk that fails now and then looks like damage,
 * but only once.
 */
export async function confirmedProblem(
  read: Inquiry['read'],
  check: (reader: Connection) => Promise<string[]>,
): Promise<string | undefined> {
  let problem = ''
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      // Thrown, so that a connection which has met damage is not used again.
      await read(async (reader) => refuseProblems(await check(reader)))
      return undefined
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
  }
  return problem
}

/** Returns the problems that SQLite finds in one table and its indexes. */
export async function problemsOf(reader: Connection, table: string): Promise<string[]> {
  const rows = await reader.all<{ integrity_check: string }>(`PRAGMA integrity_check(${quoteName(table)})`)
  return damageOnly(rows.map((row) => row.integrity_check))
}

/** Returns the lines of an integrity check, without those for rows that violate a rule of their table. */
export function damageOnly(lines: string[]): string[] {
  return lines.filter((line) => line !== 'ok' && !BROKEN_RULE.test(line))
}

const BROKEN_RULE = /^(NULL value in|CHECK constraint failed in|non-\w+ value in|\w+ value in) /

function refuseProblems([problem]: string[]): void {
  if (problem !== undefined) throw new Error(problem)
}
