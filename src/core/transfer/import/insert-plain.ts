import type { Connection, Row, Value } from '../../connection.ts'
import { LINE_COLUMNS } from '../jsonl.ts'
import type { ImportRow } from './rows.ts'

/** What goes in one statement: more is no faster, and until it ends SQLite keeps every page as it was before. */
const STATEMENT = { rows: 4000, characters: 1_000_000 }

/** Rows of one table as JSON texts, each for one statement; making them takes time that a writer need not wait for. */
export interface PlainRows {
  names: string[]
  texts: string[]
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
  return { names, texts }
}

type Plain = string | number | boolean | null

/** Fractions go as text, of which the column makes a number: in JSON SQLite does not read each of them exactly. */
function asPlain(value: Value | undefined): Plain {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value)
  if (typeof value === 'boolean') return value
  if (typeof value === 'string' && value.isWellFormed()) return value
  throw new TypeError(`a value of type ${typeof value} cannot be inserted as JSON`)
}

/**
 * Inserts prepared rows, and gives what `ending` returns (`RETURNING …`). SQLite takes a JSON text apart in a fraction of
 * the time that as many parameters need.
 */
export async function insertPlain<R = Row>(
  writer: Connection,
  table: string,
  { names, texts }: PlainRows,
  ending = '',
): Promise<R[]> {
  const columns = names.map((_, index) => `value ->> ${index}`).join(', ')
  const sql = `INSERT INTO ${table} (${names.join(', ')}) SELECT ${columns} FROM jsonb_each(?) WHERE true ${ending}`
  const returned: R[] = []
  for (const text of texts) returned.push(...(await writer.all<R>(sql, [text])))
  return returned
}

/** Inserts the messages among the lines of an export, given as one array; how many there were. */
export function insertMessageLines(writer: Connection, json: Buffer): Promise<number> {
  const columns = LINE_COLUMNS.message
  return writer.run(
    `INSERT INTO chat_messages (${columns.join(', ')}) SELECT ${columns.map((name) => `value ->> '${name}'`).join(', ')}
     FROM jsonb_each(CAST(? AS TEXT)) WHERE value ->> 'type' = 'message'`,
    [json],
  )
}
