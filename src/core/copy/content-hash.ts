import { createHash, type Hash } from 'node:crypto'
import type { Connection, Row, Value } from '../engine/connection.ts'
import { isEngineError } from '../engine/engine-errors.ts'
import { quoteName } from '../engine/quote-name.ts'
import { AppError } from '../errors.ts'
import { birthOf, readApplied } from '../schema/ledger.ts'
import { currentVersion } from '../schema/migrations.ts'
import { type RowCounts, rowNumberOf } from '../schema/row-counts.ts'

/**
 * The content of a database, independent of how its file is built: equal for two files that hold the same.
 */
export interface Content {
  /** SHA-256, hex, over the schema and every value of every row. */
  sha256: string
  /** The same hash over the rowids of all rows: a full-text index over another table refers to them. */
  row_numbers: string
  counts: RowCounts
  schema_version: number
  /**
   * The time when its first version was applied; a copy has the same, under whatever key. Null when it is
   * unknown.
   */
  born: string | null
}

/** Approximate bytes of rows to hash at once. */
const PAGE = 4 * 1024 * 1024
const MOST_ROWS = 1000

/**
 * Begins to read the whole content of a database, in its state when this resolves. Rows are read in the order
 * of their rowids, which have a hash of their own; the statistics that SQLite keeps for itself are excluded.
 */
export async function beginReading(
  connection: Connection,
): Promise<(onPart?: (part: number) => void) => Promise<Content>> {
  await connection.run('BEGIN')
  // A transaction sees the state at its first read.
  await connection.get('SELECT count(*) FROM sqlite_schema')
  return (onPart = () => {}) =>
    readAll(connection, onPart).finally(() => connection.run('ROLLBACK').catch(() => {}))
}

/** Reads the whole content of a database, at one moment. */
export async function readContent(connection: Connection, onPart?: (part: number) => void): Promise<Content> {
  const read = await beginReading(connection)
  return read(onPart)
}

async function readAll(connection: Connection, onPart: (part: number) => void): Promise<Content> {
  const hash = createHash('sha256')
  const numbers = createHash('sha256')
  for (const pragma of ['user_version', 'application_id']) {
    hash.update(JSON.stringify(await connection.get(`PRAGMA ${pragma}`)))
  }
  const objects = await connection.all(
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY type, name",
  )
  hash.update(JSON.stringify(objects))
  const tables = await connection.all<Table>(
    `SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')
     AND name NOT IN ('sqlite_schema', 'sqlite_master') AND name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY name`,
  )
  const size = (await sizeOf(connection)) || 1
  let read = 0
  const counts: RowCounts = {}
  for (const table of tables) {
    hash.update(JSON.stringify(table.name))
    numbers.update(JSON.stringify(table.name))
    const rows = await hashTable(connection, table, { hash, numbers }, (bytes) => {
      read += bytes
      onPart(Math.min(read / size, 1))
    })
    if (table.type === 'table' && !table.name.startsWith('sqlite_')) counts[table.name] = rows
  }
  const applied = await readApplied(connection)
  return {
    sha256: hash.digest('hex'),
    row_numbers: numbers.digest('hex'),
    counts,
    schema_version: currentVersion(applied),
    born: birthOf(applied),
  }
}

interface Table extends Row {
  name: string
  type: 'table' | 'shadow'
  /** 1 for a table without rowids. */
  wr: 0 | 1
}

/** Returns the approximate size of the file in bytes: enough to report progress. */
async function sizeOf(connection: Connection): Promise<number> {
  const row = await connection.get<{ page_count: number }>('PRAGMA page_count')
  return (row?.page_count ?? 0) * 4096
}

interface Page {
  /** As text: a JavaScript number cannot hold every rowid. */
  last: string | null
  rows: number
  bytes: Buffer | null
  /** Rowids, with commas between them. */
  numbers: Buffer | null
}

async function hashTable(
  connection: Connection,
  { name, wr }: Table,
  { hash, numbers }: { hash: Hash; numbers: Hash },
  onBytes: (bytes: number) => void,
): Promise<number> {
  const columns = await connection.all<{ name: string; pk: number }>(
    'SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1',
    [name],
  )
  const names = columns.map((column) => quoteName(column.name))
  const values = joined(names.map(canonical), " || ',' || ")
  const number = wr ? undefined : rowNumberOf(columns.map((column) => column.name))
  const order =
    number ??
    columns
      .filter(({ pk }) => pk > 0 || !wr)
      .sort((a, b) => a.pk - b.pk)
      .map((column) => quoteName(column.name))
      .join(', ')
  const select = `SELECT ${number ?? '0'} AS r, ${values} AS v FROM ${quoteName(name)}`
  // A table without rowids has no single key to continue from; such tables are small here.
  const further = number
    ? `${select} WHERE ${order} > CAST(?2 AS INTEGER) ORDER BY ${order} LIMIT ?1`
    : `${select} ORDER BY ${order} LIMIT ?1 OFFSET ?3`
  const first = `${select} ORDER BY ${order} LIMIT ?1`
  let last: string | null = null
  let total = 0
  let limit = 64
  for (;;) {
    const given: Value[] = total === 0 ? [limit] : number ? [limit, last] : [limit, last, total]
    const read = connection.get<Page>(hashed(total === 0 ? first : further), given)
    const got: Page | undefined | null = await read.catch((error) => {
      if (!isTooBig(error) || limit === 1) throw error
      return null
    })
    if (got === null) {
      // Together these rows exceed the largest value that SQLite can hold.
      limit = 1
      continue
    }
    if (!got || got.rows === 0) return total
    hash.update(got.bytes ?? '')
    if (number) numbers.update(`${got.numbers},`)
    total += got.rows
    last = got.last
    onBytes(got.bytes?.length ?? 0)
    if (got.rows < limit) return total
    const perRow = (got.bytes?.length ?? 0) / got.rows || 1
    limit = Math.max(1, Math.min(MOST_ROWS, Math.round(PAGE / perRow), limit * 4))
  }
}

/**
 * Returns SQL that reads a page as one value: bytes come back as stored, without a detour through
 * JavaScript's strings.
 */
function hashed(page: string): string {
  return `SELECT CAST(max(r) AS TEXT) AS last, count(*) AS rows, CAST(group_concat(v, char(10)) AS BLOB) AS bytes,
    CAST(group_concat(r) AS BLOB) AS numbers FROM (${page})`
}

/** Returns SQL for a value with its type and length, so that no two values look alike. */
function canonical(column: string): string {
  return `CASE typeof(${column}) WHEN 'null' THEN 'n' WHEN 'real' THEN 'r' || printf('%!.17g', ${column})
    ELSE substr(typeof(${column}), 1, 1) || length(CAST(${column} AS BLOB)) || ':' || CAST(${column} AS BLOB) END`
}

/**
 * Joins expressions in halves: the engine rejects one that is nested a thousand deep, and accepts 2,000
 * columns.
 */
function joined(parts: string[], sign: string): string {
  if (parts.length <= 2) return parts.join(sign)
  const middle = Math.ceil(parts.length / 2)
  return `(${joined(parts.slice(0, middle), sign)})${sign}(${joined(parts.slice(middle), sign)})`
}

const isTooBig = (error: unknown) =>
  error instanceof AppError && isEngineError(error.cause) && error.cause.code === 'SQLITE_TOOBIG'
