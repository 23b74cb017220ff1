import { readPragma, readSql, withoutExplain } from '../engine/sql-text.ts'

/** Something that a migration may not contain, and its line. */
export interface Misfit {
  /** The line of the file, from 1. */
  line: number
  /** The rejected SQL and the reason, in words. */
  problem: string
}

const MISFITS: Record<string, string> = {
  BEGIN: 'begins a transaction, and each step already runs in one',
  COMMIT: 'ends the transaction that each step runs in',
  END: 'ends the transaction that each step runs in',
  ROLLBACK: 'ends the transaction that each step runs in, or takes a part of it back',
  SAVEPOINT: 'marks a part of a transaction, and each step is applied whole or not at all',
  RELEASE: 'ends a part of a transaction, and each step is applied whole or not at all',
  VACUUM: 'cannot run inside a transaction, and each step runs in one',
  ATTACH: 'opens another file, which no copy was made of',
  DETACH: 'closes another file, and none is open',
}

/**
 * The pragmas that only report something, and those whose effect is rolled back with the transaction or ends
 * with it.
 */
const HARMLESS = new Set(
  `analysis_limit application_id defer_foreign_keys foreign_key_check foreign_key_list index_info index_list index_xinfo
   integrity_check legacy_alter_table optimize quick_check table_info table_list table_xinfo user_version`.split(
    /\s+/,
  ),
)

const PRAGMAS: Record<string, string> = {
  foreign_keys:
    'does nothing inside a transaction; keys are not enforced while a step runs, and checked at its end',
}

/**
 * Finds the first statement that would act outside the transaction of its step, or end it; undefined in valid
 * SQL.
 */
export function findMisfit(sql: string): Misfit | undefined {
  const nul = sql.indexOf('\0')
  if (nul >= 0) {
    const line = sql.slice(0, nul).split('\n').length
    return { line, problem: 'a NUL character, after which SQLite reads nothing (is it UTF-16?)' }
  }
  for (const { text, line, words } of readSql(sql).statements) {
    const [verb = ''] = withoutExplain(words)
    const problem = verb === 'PRAGMA' ? pragmaProblem(text) : MISFITS[verb] && `${verb} ${MISFITS[verb]}`
    if (problem) return { line, problem }
  }
  return undefined
}

function pragmaProblem(statement: string): string | undefined {
  const name = readPragma(statement.replace(/^explain\s+(query\s+plan\s+)?/i, ''))?.name ?? '?'
  if (HARMLESS.has(name)) return undefined
  return `PRAGMA ${name} ${PRAGMAS[name] ?? 'acts outside of the transaction that each step runs in'}`
}
