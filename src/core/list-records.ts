import { bindable } from './bindable.ts'
import { checkFields, columnOf, countOf, membersOf, momentOf, textOf } from './check-given.ts'
import type { Connection, Row, Value } from './connection.ts'
import type { Database } from './database.ts'
import { type Entity, type EntityRow, selectColumns } from './entity.ts'
import { AppError } from './errors.ts'
import { findKey } from './find-record.ts'
import { decodeRow } from './record.ts'

/** Which records, in which order. */
export interface ListOptions {
  /** Equal values by column; null finds records without one. */
  where?: Record<string, Value>
  /** Only records from this moment on, or before it. */
  since?: Date
  until?: Date
  /** Column to order by, `-` before it for descending; the entity's own order by default. */
  sort?: string
  /** Only what comes after this record in the order. */
  after?: string
  /** At most so many; all by default. */
  limit?: number
}

const PAGE = 500

/**
 * The records in pages, each read when it is asked for. A page costs the same however many came before it. Throws
 * INVALID, before anything is read, for a field that the entity does not have or a value that no column can hold.
 */
export async function* listRecords(
  db: Database,
  entity: Entity,
  options: ListOptions = {},
): AsyncGenerator<EntityRow[]> {
  checkFields(`${entity.name}: options`, options)
  const order = orderOf(entity, options.sort)
  const limit = countOf(`${entity.name}: limit`, options.limit, Number.POSITIVE_INFINITY)
  const conditions = conditionsOf(entity, options)
  let position = await db.read((reader) => positionOf(reader, entity, order.column, options.after))
  for (let given = 0; given < limit; ) {
    const size = Math.min(PAGE, limit - given)
    const rows = await db.read((reader) => readPage(reader, entity, order, conditions, position, size))
    if (rows.length > 0) yield rows.map((row) => decodeRow(entity, row))
    if (rows.length < size) return
    given += rows.length
    position = rows.at(-1)
  }
}

interface Order {
  column: string
  descending: boolean
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
  if (sort === undefined || sort === null) return entity.order
  const text = textOf(`${entity.name}: sort`, sort)
  const column = text.replace(/^-/, '')
  const names = sortFields(entity)
  if (names.includes(column)) return { column, descending: text.startsWith('-') }
  throw new AppError('INVALID', `${entity.name} cannot be sorted by ${JSON.stringify(column)}`, {
    hint: `sort by one of ${names.join(', ')}, with - before it for descending`,
  })
}

/**
 * The conditions of a list as SQL with its parameters; `table` is the name that the entity's table has in the statement.
 * Throws INVALID for a field that the entity does not have or a value that no column can hold.
 */
export function conditionsOf(
  entity: Entity,
  { where, since, until }: Pick<ListOptions, 'where' | 'since' | 'until'>,
  table = entity.table,
): Condition[] {
  const { name: noun, time } = entity
  const conditions: Condition[] = membersOf(`${noun}: where`, where ?? {}).map(([field, value]) => {
    const { name } = columnOf(entity, field)
    const parameter = bindable(value, `${noun}: ${name}`)
    return parameter === null
      ? { sql: `${table}.${name} IS NULL`, parameters: [] }
      : { sql: `${table}.${name} = ?`, parameters: [parameter] }
  })
  const [first, end] = [momentOf(`${noun}: since`, since), momentOf(`${noun}: until`, until)]
  if (first) conditions.push(timeCondition(`${table}.${time}`, '>=', first))
  if (end) conditions.push(timeCondition(`${table}.${time}`, '<', end))
  return conditions
}

const YEAR_0 = Date.parse('0000-01-01T00:00:00.000Z')
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Timestamps of three forms do not compare as text within a day: the date, which all begin with, narrows by the index,
 * and the time is compared by its value. Stored years have four digits.
 */
export function timeCondition(column: string, sign: '>=' | '<', moment: Date): Condition {
  const iso = new Date(Math.min(Math.max(Number(moment), YEAR_0), YEAR_9999)).toISOString()
  const day = sign === '>=' ? `${column} >= ?` : `${column} < ? || 'U'`
  return {
    sql: `${day} AND strftime('%Y-%m-%dT%H:%M:%fZ', ${column}) ${sign} ?`,
    parameters: [iso.slice(0, 10), iso],
  }
}

async function positionOf(
  reader: Connection,
  entity: Entity,
  column: string,
  after: string | undefined,
): Promise<Row | undefined> {
  if (after === undefined) return undefined
  const key = await findKey(reader, entity, after)
  return reader.get(`SELECT ${entity.key}, ${column} FROM ${entity.table} WHERE ${entity.key} = ?`, [key])
}

function readPage(
  reader: Connection,
  entity: Entity,
  { column, descending }: Order,
  conditions: Condition[],
  position: Row | undefined,
  size: number,
): Promise<Row[]> {
  const { table, key } = entity
  const columns = selectColumns(entity)
  const all = position ? [...conditions, afterPosition(entity, { column, descending }, position)] : conditions
  const where = all.length > 0 ? `WHERE ${all.map(({ sql }) => `(${sql})`).join(' AND ')}` : ''
  const direction = descending ? 'DESC' : 'ASC'
  return reader.all(
    `SELECT ${columns} FROM ${table} ${where} ORDER BY ${column} ${direction}, ${key} ${direction} LIMIT ?`,
    [...all.flatMap(({ parameters }) => parameters), size],
  )
}

/** What comes after a record: SQLite puts NULL first in ascending order, and compares nothing with it. */
function afterPosition({ key }: Entity, { column, descending }: Order, position: Row): Condition {
  const [value, id] = [position[column] as Value, position[key] as Value]
  const sign = descending ? '<' : '>'
  if (value === null) {
    const rest = descending ? '' : ` OR ${column} IS NOT NULL`
    return { sql: `(${column} IS NULL AND ${key} ${sign} ?)${rest}`, parameters: [id] }
  }
  const nulls = descending ? ` OR ${column} IS NULL` : ''
  return {
    sql: `(${column} ${sign}= ? AND (${column} ${sign} ? OR ${key} ${sign} ?))${nulls}`,
    parameters: [value, value, id],
  }
}
