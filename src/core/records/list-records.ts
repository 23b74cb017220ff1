import type { Database } from '../database/database.ts'
import { bindable } from '../engine/bindable.ts'
import type { Connection, Row, Value } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { hasNumbersSql, momentSql, timeOrderSql, truthSql } from '../schema/stored-values.ts'
import { checkFields, columnOf, countOf, membersOf, momentOf, textOf } from './check-given.ts'
import { type Entity, type RecordOf, selectColumns } from './entity.ts'
import { findKey } from './find-record.ts'
import { decodeRow } from './record.ts'

/** Which records, in which order. */
export interface ListOptions<Of extends Entity = Entity> {
  /** Equal values by column; null finds records without one. */
  where?: { [Name in keyof RecordOf<Of>]?: Value }
  /** Only records from this moment on, or before it. */
  since?: Date
  until?: Date
  /** Column to order by, `-` before it for descending; the entity's own order by default. */
  sort?: SortOf<Of>
  /** Only what comes after this record in the order. */
  after?: string
  /** At most so many; all by default. */
  limit?: number
}

/** A column, or `-` and a column. */
export type SortOf<Of extends Entity> = `${'' | '-'}${keyof RecordOf<Of> & string}`

const PAGE = 500

/** What reads a database: an open one, or one reader that was lent. */
type Reading = Pick<Database, 'read'>

/**
 * The records in pages, each read when it is asked for. A page costs the same however many came before it,
 * except in the order of a time that some records have as a number. Throws INVALID, before anything is read,
 * for a field that the entity does not have or a value that no column can hold.
 */
export async function* listRecords<Of extends Entity>(
  db: Reading,
  entity: Of,
  options: ListOptions<Of> = {},
): AsyncGenerator<RecordOf<Of>[]> {
  for await (const rows of listRows(db, entity, options)) yield rows.map((row) => decodeRow(entity, row))
}

/** The same with the rows as they are stored. */
export async function* listRows<Of extends Entity>(
  db: Reading,
  entity: Of,
  options: ListOptions<Of> = {},
): AsyncGenerator<Row[]> {
  checkFields(`${entity.name}: options`, options)
  const named = orderOf(entity, options.sort)
  const limit = countOf(`${entity.name}: limit`, options.limit, Number.POSITIVE_INFINITY)
  const conditions = conditionsOf(entity, options)
  const order = await db.read((reader) => byMoment(reader, entity, named))
  let last = await db.read((reader) => positionOf(reader, entity, order, options.after))
  for (let given = 0; given < limit; ) {
    const size = Math.min(PAGE, limit - given)
    const rows = await db.read((reader) => readPage(reader, entity, order, conditions, last, size))
    if (rows.length > 0) yield rows.map(withoutPosition)
    if (rows.length < size) return
    given += rows.length
    last = rows.at(-1)
  }
}

interface Order {
  column: string
  /** The column, or what it is sorted by as an expression of SQL. */
  by: string
  descending: boolean
}

/** The value of that expression, which a row has beside its columns. */
const POSITION = 'position of the row'

function withoutPosition(row: Row): Row {
  if (!(POSITION in row)) return row
  const { [POSITION]: _position, ...columns } = row
  return columns
}

/** The same order, of a time by its moment where some records have it as a number. */
async function byMoment(reader: Connection, { table, columns }: Entity, order: Order): Promise<Order> {
  const isTime = columns.some(({ name, kind }) => name === order.column && kind === 'time')
  if (!isTime) return order
  const found = await reader.get<{ numbers: 0 | 1 }>(
    `SELECT ${hasNumbersSql(order.column, table)} AS numbers`,
  )
  return found?.numbers ? { ...order, by: timeOrderSql(`${table}.${order.column}`) } : order
}

interface Condition {
  sql: string
  parameters: Value[]
}

/** The fields that a list can be ordered by. */
export function sortFields(entity: Entity): string[] {
  return entity.columns.filter(({ kind }) => kind !== 'json').map(({ name }) => name)
}

function orderOf(entity: Entity, sort: string | undefined): Order {
  if (sort === undefined || sort === null) return { ...entity.order, by: entity.order.column }
  const text = textOf(`${entity.name}: sort`, sort)
  const column = text.replace(/^-/, '')
  const names = sortFields(entity)
  if (names.includes(column)) return { column, by: column, descending: text.startsWith('-') }
  throw new AppError('INVALID', `${entity.name} cannot be sorted by ${JSON.stringify(column)}`, {
    hint: `sort by one of ${names.join(', ')}, with - before it for descending`,
  })
}

/**
 * The conditions of a list as SQL with its parameters; `table` is the name that the entity's table has in the
 * statement. Throws INVALID for a field that the entity does not have or a value that no column can hold.
 */
export function conditionsOf<Of extends Entity>(
  entity: Of,
  { where, since, until }: Pick<ListOptions<Of>, 'where' | 'since' | 'until'>,
  table = entity.table,
): Condition[] {
  const { name: noun, time } = entity
  const conditions: Condition[] = membersOf(`${noun}: where`, where ?? {}).map(([field, value]) => {
    const { name, kind } = columnOf(entity, field)
    const parameter = bindable(value, `${noun}: ${name}`)
    if (parameter === null) return { sql: `${table}.${name} IS NULL`, parameters: [] }
    if (kind === 'boolean' && (parameter === 0 || parameter === 1))
      return { sql: `${truthSql(`${table}.${name}`)} = ?`, parameters: [parameter] }
    return { sql: `${table}.${name} = ?`, parameters: [parameter] }
  })
  const [first, end] = [momentOf(`${noun}: since`, since), momentOf(`${noun}: until`, until)]
  const column = `${table}.${time}`
  if (first) conditions.push(timeCondition(column, '>=', first, hasNumbersSql(time, entity.table)))
  if (end) conditions.push(timeCondition(column, '<', end))
  return conditions
}

const YEAR_0 = Date.parse('0000-01-01T00:00:00.000Z')
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Timestamps of three forms do not compare as text within a day: the date, which all begin with, narrows by
 * the index, and the time is compared by its value. Stored years have four digits. Numbers come before all
 * text; from a moment on they are looked at only where `hasNumbers`, an expression of SQL, says that there
 * are some.
 */
export function timeCondition(
  column: string,
  sign: '>=' | '<',
  moment: Date,
  hasNumbers = '0',
): { sql: string; parameters: Value[] } {
  const iso = new Date(Math.min(Math.max(Number(moment), YEAR_0), YEAR_9999)).toISOString()
  const day = sign === '>=' ? `${column} >= iif(${hasNumbers}, -9e999, ?)` : `${column} < ? || 'U'`
  return {
    sql: `${day} AND ${momentSql(column)} ${sign} ?`,
    parameters: [iso.slice(0, 10), iso],
  }
}

async function positionOf(
  reader: Connection,
  entity: Entity,
  order: Order,
  after: string | undefined,
): Promise<Row | undefined> {
  if (after === undefined) return undefined
  const { table, key } = entity
  const found = await findKey(reader, entity, after)
  const sql = `SELECT ${key}, ${order.column}${position(order)} FROM ${table} WHERE ${key} = ?`
  return reader.get(sql, [found])
}

const position = ({ column, by }: Order) => (by === column ? '' : `, ${by} AS "${POSITION}"`)

function readPage(
  reader: Connection,
  entity: Entity,
  order: Order,
  conditions: Condition[],
  last: Row | undefined,
  size: number,
): Promise<Row[]> {
  const { table, key } = entity
  const columns = selectColumns(entity)
  const all = last ? [...conditions, afterPosition(entity, order, last)] : conditions
  const where = all.length > 0 ? `WHERE ${all.map(({ sql }) => `(${sql})`).join(' AND ')}` : ''
  const direction = order.descending ? 'DESC' : 'ASC'
  return reader.all(
    `SELECT ${columns}${position(order)} FROM ${table} ${where} ORDER BY ${order.by} ${direction}, ${key} ${direction} LIMIT ?`,
    [...all.flatMap(({ parameters }) => parameters), size],
  )
}

/** What comes after a record: SQLite puts NULL first in ascending order, and compares nothing with it. */
function afterPosition({ key }: Entity, { column, by, descending }: Order, last: Row): Condition {
  const value = last[by === column ? column : POSITION] as Value
  const id = last[key] as Value
  const sign = descending ? '<' : '>'
  if (value === null) {
    const rest = descending ? '' : ` OR ${by} IS NOT NULL`
    return { sql: `(${by} IS NULL AND ${key} ${sign} ?)${rest}`, parameters: [id] }
  }
  const nulls = descending ? ` OR ${by} IS NULL` : ''
  return {
    sql: `(${by} ${sign}= ? AND (${by} ${sign} ? OR ${key} ${sign} ?))${nulls}`,
    parameters: [value, value, id],
  }
}
