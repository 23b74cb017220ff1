import { type Command, Option } from 'commander'
import { AppError } from '../core/errors.ts'
import { parseExactJson } from '../core/exact-json.ts'
import { parseMoment } from '../core/moment.ts'
import type { Column, Entity, EntityRow } from '../core/records/entity.ts'
import { sortFields } from '../core/records/list-records.ts'
import type { Host } from './host.ts'
import { readText } from './input.ts'

type Options = Record<string, unknown>

/**
 * The options that carry values: one for each column that a person can set, and `--<name>-file` for long
 * text.
 */
export function columnOptions(command: Command, entity: Entity, verb: 'create' | 'update'): Command {
  for (const { flag, help, required, long, kind, nullable, name, byVerbs } of entity.columns) {
    if (flag === undefined || (verb === 'update' && (name === entity.key || byVerbs))) continue
    const need = required && verb === 'create' ? ' (required)' : ''
    command.option(`--${flag} <${placeholder(kind)}>`, `${help}${need}`)
    if (long) command.option(`--${flag}-file <path>`, `${help}, from a file; - is standard input`)
    if (verb === 'update' && nullable)
      command.addOption(new Option(`--no-${flag}`, `clear it`).default(undefined))
  }
  return command
}

const placeholder = (kind: Column['kind']) =>
  ({ integer: 'n', real: 'n', json: 'json', id: 'id', time: 'time', boolean: 'bool', text: 'text' })[kind]

/**
 * The given values by column. Throws USAGE when one is given twice, INVALID when it cannot be read as its
 * kind.
 */
export async function readColumns(host: Host, entity: Entity, options: Options): Promise<EntityRow> {
  const input: EntityRow = {}
  for (const column of entity.columns) {
    if (column.flag === undefined) continue
    const given = options[camelCase(column.flag)]
    const file = options[camelCase(`${column.flag}-file`)]
    if (given !== undefined && file !== undefined) {
      throw new AppError('USAGE', `--${column.flag} and --${column.flag}-file at once`, {
        hint: 'keep one of them',
      })
    }
    if (file !== undefined) input[column.name] = await readText(host, String(file))
    else if (given === false) input[column.name] = null
    else if (given !== undefined) input[column.name] = readValue(entity, column, String(given))
  }
  return input
}

function readValue(entity: Entity, column: Column, text: string): unknown {
  if (column.kind === 'integer' || column.kind === 'real') return DECIMAL.test(text) ? Number(text) : text
  if (column.kind !== 'json') return text
  const refuse = (problem: string, cause?: unknown): never => {
    throw new AppError('INVALID', `${entity.name}: ${column.flag} ${problem}`, {
      hint: `such as: --${column.flag} '${column.example}'`,
      cause,
    })
  }
  try {
    return parseExactJson(text) ?? refuse('has a number that cannot be kept exactly; write it as a string')
  } catch (error) {
    if (error instanceof AppError) throw error
    return refuse('is not JSON', error)
  }
}

const DECIMAL = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i

/** What narrows a list: columns that filter, the two states of booleans, and the time. */
export function filterOptions(command: Command, entity: Entity): Command {
  for (const { flag, help, filter, states } of entity.columns) {
    if (filter) command.option(`--${flag} <value>`, `only those with this: ${help}`)
    if (states) for (const state of states) command.option(`--${state}`, `only ${state} ones`)
  }
  return command
    .option('--since <time>', `only from this ${entity.time} on: 2025-06-05, RFC 3339, or 12h, 7d, 2w ago`)
    .option('--until <time>', 'only before this time')
}

/** What a list is narrowed by. */
export interface Filters {
  where: Record<string, string | boolean>
  since?: Date
  until?: Date
}

/**
 * The given filters. Throws USAGE for both states of a boolean, INVALID for a value that the column cannot
 * have.
 */
export function readFilters(entity: Entity, options: Options, now: Date): Filters {
  const where: Filters['where'] = {}
  for (const { name, flag = '', filter, states, check, rule, reference } of entity.columns) {
    const given = options[camelCase(flag)]
    if (filter && given !== undefined) {
      if (!reference && !check(given)) {
        throw new AppError('INVALID', `${entity.name}: ${flag} must be ${rule}`, {
          hint: `see which values it can have: libreollama-db ${entity.name} list --help`,
        })
      }
      where[name] = String(given)
    }
    const [yes, no] = states?.map((state) => options[camelCase(state)]) ?? []
    if (yes && no)
      throw new AppError('USAGE', `--${states?.join(' and --')} at once`, {
        hint: 'keep one, or leave out both for all',
      })
    if (yes || no) where[name] = Boolean(yes)
  }
  const moment = (value: unknown) => (value === undefined ? undefined : parseMoment(String(value), now))
  return { where, since: moment(options.since), until: moment(options.until) }
}

/** The field to sort a list by. Throws USAGE, before any work, for a field that it cannot be sorted by. */
export function readSort(entity: Entity, sort: string | undefined): string | undefined {
  const fields = sortFields(entity)
  const field = sort?.replace(/^-/, '')
  if (field === undefined || fields.includes(field)) return sort
  throw new AppError('USAGE', `${entity.name} cannot be sorted by ${JSON.stringify(field)}`, {
    hint: `sort by one of ${fields.join(', ')}, with - before it for descending`,
  })
}

const camelCase = (flag: string) => flag.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase())
