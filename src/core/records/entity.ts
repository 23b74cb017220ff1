import { guardedText } from '../query/longest-text.ts'
import { readTimestamp } from '../timestamp.ts'

/** One column of an entity: how it is stored, checked and shown. */
export interface Column {
  name: string
  kind: 'id' | 'text' | 'integer' | 'real' | 'boolean' | 'time' | 'json'
  /** Returns true for a value that the column takes; null is decided by `nullable`. */
  check: (value: unknown) => boolean
  /** The check in words, as in `must be <rule>`, and a value that passes. */
  rule: string
  example: string
  help: string
  /** The option that carries it; undefined where a person cannot set it. */
  flag: string | undefined
  /** Must be given when a record is made. */
  required: boolean
  nullable: boolean
  /** What a new record has when nothing is given. */
  initial?: string | number | boolean
  /** `created` is set once, `updated` on every change. */
  moment?: 'created' | 'updated'
  /** The entity whose key it holds. */
  reference?: string
  /** `list` narrows by it. */
  filter: boolean
  /** Only verbs of its own change it once the record is made. */
  byVerbs: boolean
  /** A boolean's two states as words, for options and lists: when true, when false. */
  states?: readonly [string, string]
  /** Shown in lists, and with which share of the width where it is long. */
  listed: boolean
  /** Long text, which also comes from a file. */
  long: boolean
}

/** What a declaration says of a column; the rest has its usual value. */
export type ColumnChoices = Partial<Omit<Column, 'name' | 'kind'>>

/** A kind of record: its table, its columns, and how lists of it are ordered. */
export interface Entity {
  /** The noun of its commands. */
  name: string
  table: string
  key: string
  columns: Column[]
  /** How lists are ordered, and the time that --since and --until look at. */
  order: { column: string; descending: boolean }
  time: string
}

/**
 * A record as programs see it: booleans, numbers, RFC 3339 UTC times, metadata as the value that the JSON
 * says.
 */
export type EntityRow = Record<string, unknown>

/**
 * A column of a declaration; its property gives it its name. The types say what its values are as programs see
 * them, how they are stored, whether a new record has to be given one, and whether the table fills it in.
 */
export interface Declared<
  Value = unknown,
  Need extends 'required' | 'optional' = 'required' | 'optional',
  Stored = unknown,
> extends Omit<Column, 'name' | 'flag'> {
  flag?: string | undefined
  settable: boolean
  /** Never there: carries the types. */
  readonly types?: { value: Value; need: Need; stored: Stored }
}

/** A value that the table fills in when none is given. */
export interface Filled<Value> {
  filled: Value
}

type Columns = Record<string, Declared>

/** An entity with the types of its declaration. */
export interface EntityOf<Declaration extends Columns = Columns, Key extends string = string> extends Entity {
  key: Key
  /** Never there: carries the types. */
  readonly declared?: Declaration
}

type ValueOf<Column> = Column extends Declared<infer Value> ? Value : unknown
type RequiredOf<Declaration> = {
  [Name in keyof Declaration]: Declaration[Name] extends Declared<infer _, 'required'> ? Name : never
}[keyof Declaration]

/** A record of an entity as programs see it. */
export type RecordOf<Of extends Entity> =
  Of extends EntityOf<infer Declaration>
    ? { -readonly [Name in keyof Declaration]: ValueOf<Declaration[Name]> }
    : EntityRow

/** What a new record is made from: the required values, and any of the others. */
export type NewOf<Of extends Entity> =
  Of extends EntityOf<infer Declaration>
    ? Pick<RecordOf<Of>, RequiredOf<Declaration> & keyof RecordOf<Of>> & Partial<RecordOf<Of>>
    : EntityRow

/** What can be changed of a record: everything but its key. */
export type ChangesOf<Of extends Entity> = Partial<Omit<RecordOf<Of>, Of['key']>>

/**
 * Puts a declaration together: each column takes its name and, without another, its option from its property.
 */
export function defineEntity<const Declaration extends Columns, const Key extends keyof Declaration & string>(
  declared: Omit<Entity, 'columns' | 'key'> & { key: Key; columns: Declaration },
): EntityOf<Declaration, Key> {
  const columns = Object.entries(declared.columns).map(
    ([name, { settable, flag, types: _types, ...column }]) => ({
      ...column,
      name,
      flag: settable ? (flag ?? name.replaceAll('_', '-')) : undefined,
    }),
  )
  return { ...declared, columns }
}

const usual = {
  required: false,
  nullable: true,
  filter: false,
  listed: true,
  long: false,
  byVerbs: false,
  settable: true,
}

/** The types of a column of text with these choices. */
type TextColumn<Choices, Text = string> = Choices extends { required: true }
  ? Declared<Text, 'required', Text>
  : Choices extends { nullable: false }
    ? Declared<Text, 'optional', Text>
    : Declared<Text | null, 'optional', Text | null>

const isText = (value: unknown) => typeof value === 'string'
const isWritten = (value: unknown) => typeof value === 'string' && /\S/.test(value)

/** Text; required text is not empty. */
export function text<const Choices extends ColumnChoices>(
  help: string,
  choices?: Choices,
): TextColumn<Choices> {
  const { required = false } = choices ?? {}
  const column: Declared = {
    ...usual,
    kind: 'text',
    check: required ? isWritten : isText,
    rule: required ? 'text that is not blank' : 'text',
    example: 'some words',
    help,
    nullable: !required,
    ...choices,
  }
  return column as TextColumn<Choices>
}

/** One of a few words. */
export function oneOf<
  const Words extends readonly [string, ...string[]],
  const Choices extends ColumnChoices,
>(words: Words, help: string, choices?: Choices): TextColumn<Choices & { nullable: false }, Words[number]> {
  const column: Declared = text(help, {
    check: (value: unknown) => words.some((word) => word === value),
    rule: `one of ${words.join(', ')}`,
    example: words[0],
    nullable: false,
    filter: true,
    ...choices,
  })
  return column as TextColumn<Choices & { nullable: false }, Words[number]>
}

/** A number from `low` to `high`. */
export function number(
  kind: 'integer' | 'real',
  low: number,
  high: number,
  help: string,
  choices: ColumnChoices = {},
): Declared<number | null, 'optional', number | null> {
  const isWhole = kind === 'integer'
  const check = (value: unknown) =>
    typeof value === 'number' && value >= low && value <= high && (!isWhole || Number.isSafeInteger(value))
  const rule = `${isWhole ? 'a whole number' : 'a number'} from ${low} to ${high}`
  return { ...usual, kind, check, rule, example: String(Math.min(high, 1)), help, listed: false, ...choices }
}

/** True or false, with a word for each. */
export function boolean(
  states: readonly [string, string],
  initial: boolean,
  choices: ColumnChoices = {},
): Declared<boolean, 'optional', Filled<number>> {
  const check = (value: unknown) => typeof value === 'boolean'
  const fixed = { check, rule: 'true or false', example: 'true', nullable: false }
  const help = `${states[0]} or ${states[1]}`
  return { ...usual, kind: 'boolean', ...fixed, help, states, initial, settable: false, ...choices }
}

type TimeColumn<Choices> = Choices extends { nullable: true }
  ? Declared<string | null, 'optional', string | null>
  : Declared<string, 'optional', Filled<string>>

/** A moment that the program sets. */
export function time<const Choices extends ColumnChoices>(
  help: string,
  choices?: Choices,
): TimeColumn<Choices> {
  const check = (value: unknown) => typeof value === 'string' && readTimestamp(value) !== null
  const rule = 'a time that exists, in UTC'
  const example = '2025-06-05T20:22:06Z'
  const fixed = { check, rule, example, help, nullable: false, settable: false }
  const column: Declared = { ...usual, kind: 'time', ...fixed, ...choices }
  return column as TimeColumn<Choices>
}

/** The key of a record of another entity. */
export function reference<const Choices extends ColumnChoices>(
  entity: string,
  help: string,
  choices?: Choices,
): TextColumn<Choices> {
  const column: Declared = text(help, {
    reference: entity,
    flag: entity,
    filter: true,
    rule: `the id of ${entity}`,
    example: '0198c5e2-7c1a-7d3e',
    ...choices,
  })
  return column as TextColumn<Choices>
}

/** A JSON object. An old file may hold another JSON value; it is read as it is. */
export function metadata(): Declared<unknown, 'optional', string | null> {
  const fixed = { rule: 'a JSON object', example: '{"source":"notes"}', listed: false }
  const help = 'more about it, as a JSON object'
  return { ...usual, kind: 'json', check: isJsonObject, ...fixed, help }
}

function isJsonObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  return isPlain && Object.values(value).every(isJson)
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  return Array.isArray(value) ? value.every(isJson) : isJsonObject(value)
}

/** The key: a generated UUID of version 7, so that what is made together lies together. */
export function id(): Declared<string, 'optional', string> {
  const fixed = { check: isText, rule: 'text', example: 'some words', help: 'its id' }
  return { ...usual, kind: 'id', ...fixed, nullable: false, settable: false }
}

/**
 * The columns of an entity for a SELECT. A whole number that a double would round comes as text, a text that
 * is too long as `refuseTooLong` expects it.
 */
export function selectColumns(entity: Entity, table = entity.table): string {
  return entity.columns
    .map(({ name, kind }) => {
      const column = `${table}.${name}`
      if (kind === 'text' || kind === 'id' || kind === 'json') return `${guardedText(column)} AS ${name}`
      if (kind !== 'integer') return column
      const rounded = `typeof(${column}) = 'integer' AND ${column} NOT BETWEEN -9007199254740991 AND 9007199254740991`
      return `CASE WHEN ${rounded} THEN CAST(${column} AS TEXT) ELSE ${column} END AS ${name}`
    })
    .join(', ')
}
