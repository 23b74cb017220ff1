import type { Connection, Value } from '../../engine/connection.ts'
import { LINE_COLUMNS } from '../jsonl.ts'
import type { ImportRow } from './rows.ts'

/**
 * The limits of one statement: more is no faster, and until it ends SQLite keeps every page in its earlier
 * state.
 */
const STATEMENT = { rows: 4000, characters: 1_000_000 }

/**
 * Rows of one table as JSON texts, one per statement; creating them takes time that a writer need not wait
 * for.
 */
export interface PlainRows {
  names: string[]
  texts: string[]
  /** The number of rows. */
  count: number
}

/** Prepares rows of text, whole numbers, booleans and nulls. */
export function plainRows(rows: readonly ImportRow[]): PlainRows {
  const names = [...(rows[0]?.keys() ?? [])]
  const texts: string[] = []
  let values: Plain[][] = []
  let characters = 0
  for (const row of rows) {
    const plain = names.map((name) => asPlain(row.get(name)))
    values.push(plain)
    for (const value of plain) if (typeof value === 'string') characters += value.length
    if (values.length < STATEMENT.rows && characters < STATEMENT.characters) continue
    texts.push(JSON.stringify(values))
    values = []
    characters = 0
  }
  if (values.length > 0) texts.push(JSON.stringify(values))
  return { names, texts, count: rows.length }
}

/** Characters: the JSON of a shorter text, whatever it contains, always fits into a JavaScript string. */
const SURELY_SHORT = 80_000_000

/** Returns true when `plainRows` can hold a row: not when its JSON exceeds the longest text. */
export function isPlainRow(row: ImportRow): boolean {
  let characters = 0
  for (const value of row.values()) if (typeof value === 'string') characters += value.length
  if (characters < SURELY_SHORT) return true
  try {
    JSON.stringify([[...row.values()].map(asPlain)])
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

type Plain = string | number | boolean | null

/**
 * Converts a value; fractions become text, which the column converts back: SQLite does not read every
 * fraction in JSON exactly.
 */
function asPlain(value: Value | undefined): Plain {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value)
  if (typeof value === 'boolean') return value
  if (typeof value === 'string' && value.isWellFormed()) return value
  throw new TypeError(`a value of type ${typeof value} cannot be inserted as JSON`)
}

/**
 * Returns the SQL expression for a value of a row by its position, over `jsonb_each(?) AS rows` of a text.
 */
export const plainValue = (place: number) => `rows.value ->> ${place}`

/**
 * Inserts prepared rows and returns their number. SQLite parses a JSON text in a fraction of the time that as
 * many parameters need. `or` is the clause after INSERT.
 */
export async function insertPlain(
  writer: Connection,
  table: string,
  rows: PlainRows,
  or: '' | 'OR ABORT' = '',
): Promise<number> {
  let inserted = 0
  for (const text of rows.texts) inserted += await writer.run(insertion(table, rows, or), [text])
  return inserted
}

/** Inserts the rows that are new and returns their keys. */
export async function insertNewRows(writer: Connection, table: string, rows: PlainRows): Promise<string[]> {
  const sql = `${insertion(table, rows)} ON CONFLICT (id) DO NOTHING RETURNING id`
  const ids: string[] = []
  for (const text of rows.texts)
    for (const { id } of await writer.all<{ id: string }>(sql, [text])) ids.push(id)
  return ids
}

function insertion(table: string, { names }: PlainRows, or = ''): string {
  const columns = names.map((_, place) => plainValue(place)).join(', ')
  return `INSERT ${or} INTO ${table} (${names.join(', ')}) SELECT ${columns} FROM jsonb_each(?) AS rows WHERE true`
}

/** Inserts the messages among the lines of an export, given as one array, and returns their number. */
export function insertMessageLines(writer: Connection, json: Buffer): Promise<number> {
  const columns = LINE_COLUMNS.message
  return writer.run(
    `INSERT INTO chat_messages (${columns.join(', ')}) SELECT ${columns.map((name) => `value ->> '${name}'`).join(', ')}
     FROM jsonb_each(CAST(? AS TEXT)) WHERE value ->> 'type' = 'message'`,
    [json],
  )
}
