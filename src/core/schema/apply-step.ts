import type { Connection } from '../engine/connection.ts'
import { isEngineError } from '../engine/engine-errors.ts'
import { readSql } from '../engine/sql-text.ts'
import { AppError } from '../errors.ts'
import { formatTimestamp } from '../timestamp.ts'
import { recordApplied, recordUndone, settleLedger } from './ledger-changes.ts'
import type { Step } from './migrations.ts'
import { countRows, type RowCounts } from './row-counts.ts'

/** An applied step. */
export interface AppliedStep {
  version: number
  name: string
  direction: 'up' | 'down'
  duration_ms: number
  /** Rows that were lost with the tables that this step dropped. */
  dropped: RowCounts
}

/** The failure of a step; `cause` holds the reason. */
export class StepFailure extends Error {
  readonly step: Step

  constructor(step: Step, cause: unknown) {
    super('a step failed', { cause })
    this.step = step
  }
}

/**
 * Runs the SQL of a step inside a transaction, statement by statement, and records it. Checks after each
 * statement that the transaction still exists, so that nothing is committed on its own if one has ended it.
 * Throws a StepFailure.
 */
export async function applyStep(
  writer: Connection,
  step: Step,
  appliedAt: Date,
  signal?: AbortSignal,
): Promise<AppliedStep> {
  const { direction, migration } = step
  const { version, name } = migration
  const began = performance.now()
  try {
    await markTransaction(writer)
    const rows = await countRows(writer)
    const orphans = await countOrphans(writer)
    if (direction === 'down') await recordUndone(writer, migration)
    for (const { source, line } of readSql(migration[direction]).statements) {
      signal?.throwIfAborted()
      await writer.exec(source).catch((error) => {
        throw atLine(error, line)
      })
      await requireTransaction(writer, line)
    }
    if (direction === 'up') await recordApplied(writer, migration, formatTimestamp(appliedAt))
    else if (version === 1) await settleLedger(writer)
    const dropped = lostRows(rows, await countRows(writer))
    const newOrphans = (await countOrphans(writer)) - orphans
    if (newOrphans > 0) throw new Error(`it leaves ${newOrphans} rows that point at nothing`)
    await removeMark(writer)
    return { version, name, direction, duration_ms: Math.round(performance.now() - began), dropped }
  } catch (error) {
    throw new StepFailure(step, error)
  }
}

/**
 * Marks the transaction with a savepoint, which exists only as long as it does, and with a table in memory,
 * which a rollback removes.
 */
const MARK = 'libreollama_db_step'

async function markTransaction(writer: Connection): Promise<void> {
  await writer.exec(`CREATE TEMP TABLE ${MARK} (a); SAVEPOINT ${MARK}`)
}

async function removeMark(writer: Connection): Promise<void> {
  await writer.exec(`RELEASE ${MARK}; DROP TABLE temp.${MARK}`)
}

async function requireTransaction(writer: Connection, line: number): Promise<void> {
  await writer.exec(`RELEASE ${MARK}; SAVEPOINT ${MARK}`).catch((error) => {
    if (!isEngineError(error) || error.code !== 'SQLITE_ERROR') throw error
    throw new Error(`the statement on line ${line} ended the transaction`)
  })
}

/** The state of a failed step after its transaction was rolled back, if it still existed. */
export type Outcome = 'undone' | 'committed in part' | 'unknown'

/** Reads the state from the mark; `unknown` when the database cannot even be read any more. */
export async function outcomeOf(writer: Connection): Promise<Outcome> {
  try {
    const mark = await writer.get('SELECT 1 FROM sqlite_temp_schema WHERE name = ?', [MARK])
    if (!mark) return 'undone'
    await writer.run(`DROP TABLE temp.${MARK}`)
    return 'committed in part'
  } catch {
    return 'unknown'
  }
}

/**
 * Adds the line to an error in the SQL itself; a lock, a full disk or damage is better described by its own
 * code.
 */
function atLine(error: unknown, line: number): unknown {
  if (error instanceof AppError && error.code !== 'INVALID') return error
  const reason = error instanceof Error ? error.message.replace(/^SQLITE_\w+: /, '') : String(error)
  return new Error(`line ${line}: ${reason}`, { cause: error })
}

/** Returns the rows of dropped tables. A table that stays must keep its rows; throws when one lost some. */
function lostRows(before: RowCounts, after: RowCounts): RowCounts {
  const dropped: RowCounts = {}
  for (const [table, rows] of Object.entries(before)) {
    const left = after[table]
    if (left === undefined) dropped[table] = rows
    else if (left < rows && !BOOKKEEPING.has(table))
      throw new Error(`${table} had ${rows} rows and now has ${left}`)
  }
  return dropped
}

const BOOKKEEPING = new Set(['schema_version', 'migration_checksums'])

/** Counts the rows that refer to a record that does not exist. */
export async function countOrphans(connection: Connection): Promise<number> {
  const row = await connection.get<{ orphans: number }>(
    'SELECT count(*) AS orphans FROM pragma_foreign_key_check',
  )
  return row?.orphans ?? 0
}
