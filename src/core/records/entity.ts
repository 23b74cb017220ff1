import * as z from 'zod/mini'
import { guardedText } from '../query/longest-text.ts'
import { readTimestamp } from '../timestamp.ts'

/** One column of an entity: how it is stored, checked and shown. */
export interface Column {
  name: string
  kind: 'id' | 'text' | 'integer' | 'real' | 'boolean' | 'time' | 'json'
  /** What a given value must be. */
  check: z.ZodMiniType
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

type Named = Omit<Column, 'name' | 'flag'> & { flag?: string | undefined; settable: boolean }

/**
 * Puts a declaration together: each column takes its name and, without another, its option from its property.
 */
export function defineEntity(declared: Omit<Entity, 'columns'> & { columns: Record<string, Named> }): Entity {
  const columns = Object.entries(declared.columns).map(([name, { settable, flag, ...column }]) => ({
    ...column,
    name,
    flag: settable ? (flag ?? name.replaceAll('_', '-')) : undefined,
  }))
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

/** Text; required text is not empty. */
export function text(help: string, choices: ColumnChoices = {}): Named {
  const check = choices.required ? z.string().check(z.regex(/\S/)) : z.string()
  const rule = choices.required ? 'text that is not blank' : 'text'
  return {
    ...usual,
    kind: 'text',
    check,
    rule,
    example: 'some words',
    help,
    nullable: !choices.required,
    ...choices,
  }
}

/** One of a few words. */
export function oneOf(
  words: readonly [string, ...string[]],
  help: string,
  choices: ColumnChoices = {},
): Named {
  const rule = `one of ${words.join(', ')}`
  return text(help, {
    check: z.enum(words),
    rule,
    example: words[0],
    nullable: false,
    filter: true,
    ...choices,
  })
}

/** A number from `low` to `high`. */
export function number(
  kind: 'integer' | 'real',
  low: number,
  high: number,
  help: string,
  choices: ColumnChoices = {},
): Named {
  const range = z.number().check(z.minimum(low), z.maximum(high))
  const check = kind === 'integer' ? range.check(z.refine(Number.isSafeInteger)) : range
  const rule = `${kind === 'integer' ? 'a whole number' : 'a number'} from ${low} to ${high}`
  return { ...usual, kind, check, rule, example: String(Math.min(high, 1)), help, listed: false, ...choices }
}

/** True or false, with a word for each. */
export function boolean(
  states: readonly [string, string],
  initial: boolean,
  choices: ColumnChoices = {},
): Named {
  const fixed = { check: z.boolean(), rule: 'true or false', example: 'true', nullable: false }
  const help = `${states[0]} or ${states[1]}`
  return { ...usual, kind: 'boolean', ...fixed, help, states, initial, settable: false, ...choices }
}

/** A moment that the program sets. */
export function time(help: string, choices: ColumnChoices = {}): Named {
  const check = z.string().check(z.refine((value) => readTimestamp(value) !== null))
  const rule = 'a time that exists, in UTC'
  const example = '2025-06-05T20:22:06Z'
  return { ...usual, kind: 'time', check, rule, example, help, nullable: false, settable: false, ...choices }
}

/** The key of a record of another entity. */
export function reference(entity: string, help: string, choices: ColumnChoices = {}): Named {
  return text(help, {
    reference: entity,
    flag: entity,
    filter: true,
    rule: `the id of ${entity}`,
    ...choices,
  })
}

/** A JSON object. An old file may hold another JSON value; it is read as it is. */
export function metadata(): Named {
  const check = z.record(z.string(), z.json())
  const fixed = { rule: 'a JSON object', example: '{"source":"notes"}', listed: false }
  return { ...usual, kind: 'json', check, ...fixed, help: 'more about it, as a JSON object' }
}

/** The key: a generated UUID of version 7, so that what is made together lies together. */
export function id(): Named {
  return text('its id', { required: false, nullable: false, settable: false, kind: 'id' } as ColumnChoices)
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
