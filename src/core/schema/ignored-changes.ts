import type { Connection, Value } from '../engine/connection.ts'
import { quoteName } from '../engine/quote-name.ts'
import { AppError } from '../errors.ts'

/** The kinds of changes to rows. */
export type Change = 'insert' | 'update' | 'delete'

/**
 * Verifies that a statement changed the intended number of rows in a table. Throws INVALID, naming what
 * prevented it.
 */
export async function refuseIgnored(
  writer: Connection,
  table: string,
  change: Change,
  { changed, meant }: { changed: number; meant: number },
): Promise<void> {
  if (changed !== meant) throw await ignoredError(writer, table, change)
}

/**
 * Creates the error for a change that SQLite reported as done but that is not in the table: a trigger or a
 * constraint ignored it, or changed it afterwards. The caller has to roll back its transaction.
 */
export async function ignoredError(writer: Connection, table: string, change: Change): Promise<AppError> {
  const culprit = await culpritOf(writer, table, change)
  return new AppError(
    'INVALID',
    `${table} did not keep ${WORDS[change]}${culprit && `: ${culprit}`}; it was rolled back`,
    { hint: { step: 'compare_schema' } },
  )
}

const WORDS: Record<Change, string> = {
  insert: 'what was written',
  update: 'what was changed',
  delete: 'to the deletion',
}

/**
 * Finds what can ignore a change, as far as the schema shows: the triggers that say so, otherwise all
 * triggers for it, or a constraint.
 */
async function culpritOf(writer: Connection, table: string, change: Change): Promise<string> {
  const objects = await writer.all<{ type: string; name: string; sql: string }>(
    'SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND (tbl_name = ?1 COLLATE NOCASE)',
    [table],
  )
  const triggers = objects.filter(({ type, sql }) => type === 'trigger' && changeOf(sql) === change)
  const others = triggers.filter(({ name }) => !/^message_search_/i.test(name))
  const telling = triggers.filter(({ sql }) => IGNORES.test(sql))
  const suspects = [telling, others, triggers].find((some) => some.length > 0) ?? []
  const named = suspects.map(({ name }) => name)
  if (named.length > 0)
    return `the trigger${named.length > 1 ? 's' : ''} ${named.join(', ')} ignored or changed it`
  const clause = objects.find(({ type, sql }) => type === 'table' && CONFLICT.test(sql))
  if (clause) return `a constraint of the table ignored it (${CONFLICT.exec(clause.sql)?.[0].toUpperCase()})`
  return objects.some(({ type }) => type === 'view') ? 'it is a view' : ''
}

const IGNORES = /raise\s*\(\s*ignore\s*\)/i
const CONFLICT = /\bon\s+conflict\s+(?:ignore|replace|fail|rollback)\b/i

/** Returns the first of these words that is not part of a name. */
function changeOf(sql: string): string | undefined {
  const plain = sql.replace(
    /"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\//g,
    ' ',
  )
  return /\b(insert|update|delete)\b/i.exec(plain)?.[1]?.toLowerCase()
}

/**
 * Returns the clause before INTO, or between UPDATE and the table, that makes a constraint reject instead of
 * ignore.
 */
export async function refusing(writer: Connection, table: string): Promise<'' | 'OR ABORT'> {
  const found = await writer.get<{ sql: string }>(
    "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE AND sql LIKE '%conflict%'",
    [table],
  )
  return found ? 'OR ABORT' : ''
}

/** The columns of one row, to compare with what was given. */
export interface Written {
  key: Value
  values: ReadonlyMap<string, Value>
}

/** Rows per statement when reading back. */
const AT_ONCE = 500

/**
 * Reads rows back by their key, in the order of `written`. Throws INVALID when one is missing, or does not
 * hold the given values.
 */
export async function readBack<R extends Record<string, unknown>>(
  writer: Connection,
  { table, key, columns, change }: { table: string; key: string; columns: string; change: Change },
  written: readonly Written[],
): Promise<R[]> {
  const found = new Map<unknown, R>()
  for (let start = 0; start < written.length; start += AT_ONCE) {
    const keys = written.slice(start, start + AT_ONCE).map((row) => row.key)
    const marks = keys.map(() => '?').join(', ')
    const rows = await writer.all<R>(
      `SELECT ${columns} FROM ${table} WHERE ${quoteName(key)} IN (${marks})`,
      keys,
    )
    for (const row of rows) found.set(row[key], row)
  }
  const stored: R[] = []
  for (const { key: id, values } of written) {
    const row = found.get(id)
    const holds = row && [...values].every(([name, value]) => row[name] === asStored(value))
    if (!holds) throw await ignoredError(writer, table, change)
    stored.push(row)
  }
  return stored
}

const asStored = (value: Value): unknown => (typeof value === 'boolean' ? Number(value) : value)
