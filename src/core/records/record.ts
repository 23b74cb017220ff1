import type { Row, Value } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { parseExactJson } from '../exact-json.ts'
import { bytesAsText } from '../files/bytes-as-text.ts'
import { refuseTooLong } from '../query/longest-text.ts'
import { isTrue, readStoredTime } from '../schema/stored-values.ts'
import { readTimestamp } from '../timestamp.ts'
import { checkFields, columnOf } from './check-given.ts'
import type { Column, Entity, EntityRow, RecordOf } from './entity.ts'

/**
 * A stored row as programs see it: times as RFC 3339 UTC, booleans as booleans, metadata as its JSON value.
 * What another program stored in any other way is text: bytes as SQL writes them (`x'00ff'`), a number where
 * text belongs in digits.
 */
export function decodeRow<Of extends Entity>(entity: Of, row: Row): RecordOf<Of> {
  const decoded: EntityRow = { ...row }
  for (const column of entity.columns) {
    if (!(column.name in row)) continue
    const value = row[column.name]
    if (typeof value !== 'string' && value !== null && TEXTS.has(column.kind))
      refuseTooLong(value, column.name, entity.table, row[entity.key])
    decoded[column.name] = decode(column, value)
  }
  return decoded as RecordOf<Of>
}

/** The kinds of columns that are text. */
const TEXTS: ReadonlySet<Column['kind']> = new Set(['id', 'text', 'json'])

function decode({ kind }: Column, value: unknown): unknown {
  if (value === null) return null
  if (kind === 'boolean') return isTrue(value)
  if (value instanceof Uint8Array) return bytesAsText(value)
  if (kind === 'time') return readStoredTime(value) ?? String(value)
  if (kind === 'integer' || kind === 'real') return Number.isFinite(value) ? value : String(value)
  if (kind !== 'json') return String(value)
  try {
    return parseExactJson(String(value)) ?? value
  } catch {
    return value // written by another program; health tells of it
  }
}

/**
 * Given values as they are stored. Throws INVALID, naming the field, the rule and an example, for a value
 * that its column refuses, a name that no column has, and, unless `partial`, a required column without a
 * value.
 */
export function encodeInput(
  entity: Entity,
  input: EntityRow,
  { partial }: { partial: boolean },
): Map<string, Value> {
  checkFields(`${entity.name}: what is given`, input)
  for (const name of Object.keys(input)) columnOf(entity, name)
  const values = new Map<string, Value>()
  for (const column of entity.columns) {
    const given = Object.hasOwn(input, column.name) ? input[column.name] : undefined
    if (given !== undefined) values.set(column.name, encode(entity, column, given))
    else if (!partial && column.required) refuse(entity, column, 'is required')
  }
  if (partial && values.size === 0) {
    throw new AppError('INVALID', `${entity.name}: nothing to change was given`, {
      hint: { step: 'explain_fields', entity: entity.name },
    })
  }
  return values
}

function encode(entity: Entity, column: Column, given: unknown): Value {
  if (given === null) {
    if (column.nullable) return null
    refuse(entity, column, 'is required')
  }
  if (typeof given === 'string' && !given.isWellFormed()) {
    refuse(entity, column, 'contains half of a surrogate pair, which UTF-8 cannot hold')
  }
  if (!passes(entity, column, given)) refuse(entity, column, `must be ${column.rule}`)
  if (column.kind === 'json') return JSON.stringify(given)
  return column.kind === 'time' ? readTimestamp(String(given)) : (given as Value)
}

function passes(entity: Entity, column: Column, given: unknown): boolean {
  try {
    return column.check(given)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return refuse(entity, column, 'is nested too deeply')
  }
}

function refuse(entity: Entity, column: Column, problem: string): never {
  const label = column.flag ?? column.name
  throw new AppError('INVALID', `${entity.name}: ${label} ${problem}`, {
    hint: { step: 'give_value', ...(column.flag ? { option: column.flag } : {}), example: column.example },
  })
}
