import { AppError } from '../errors.ts'
import type { Column, Entity } from './entity.ts'

/*
 * Checks of what a caller passes, made before any SQL is built: column names become part of a statement, and types do
 * not exist at run time. `what` begins the error message, as in `session: limit`.
 */

/** The column with this name. Throws INVALID, listing the fields, for a name that is not declared. */
export function columnOf(entity: Entity, name: unknown, columns = entity.columns): Column {
  const column = columns.find((declared) => declared.name === name)
  if (column) return column
  throw new AppError('INVALID', `${entity.name}: there is no field ${quoted(name)}`, {
    hint: `the fields are: ${columns.map((declared) => declared.name).join(', ')}`,
  })
}

/** The entries of a plain object. Throws INVALID for anything else, such as a Map, which has none. */
export function membersOf(what: string, given: unknown): [string, unknown][] {
  if (isPlainObject(given)) return Object.entries(given)
  return refuse(what, 'a plain object of fields and values', "such as: { role: 'user' }")
}

/** Throws INVALID unless it is an object with fields; an instance of a class is accepted. */
export function checkFields(what: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    refuse(what, 'an object of fields and values', "such as: { title: 'Bread that stays soft' }")
}

/** The same text. Throws INVALID unless it is a string. */
export function textOf(what: string, given: unknown): string {
  return typeof given === 'string' ? given : refuse(what, 'text', 'pass a string')
}

/** The same array. Throws INVALID unless it is an array of strings. */
export function textsOf(what: string, given: unknown): string[] {
  const isList = Array.isArray(given) && given.every((one) => typeof one === 'string')
  return isList ? given : refuse(what, 'an array of strings', 'put a single one into an array too')
}

/**
 * A count, Infinity for all; `usual` when none is given. Throws INVALID unless it is a whole number from 0.
 */
export function countOf(what: string, given: unknown, usual: number): number {
  if (given === undefined || given === null) return usual
  const isCount = Number.isSafeInteger(given) || given === Number.POSITIVE_INFINITY
  if (typeof given === 'number' && isCount && given >= 0) return given
  return refuse(what, 'a whole number from 0', 'leave it out for all')
}

/** A moment, or undefined when none is given. Throws INVALID unless it is a valid Date. */
export function momentOf(what: string, given: unknown): Date | undefined {
  if (given === undefined || given === null) return undefined
  const isDate = Object.prototype.toString.call(given) === '[object Date]'
  if (isDate && !Number.isNaN(Number(given))) return given as Date
  return refuse(what, 'a valid Date', "such as: new Date('2025-06-05T20:22:06Z')")
}

/** Throws INVALID unless it is an array of objects with fields. */
export function checkRecords(what: string, given: unknown): void {
  if (!Array.isArray(given)) refuse(what, 'an array', 'put a single record into an array too')
  for (const one of given as unknown[]) checkFields(what, one)
}

/** One of `words`. Throws INVALID, listing them, for anything else. */
export function oneOfWords<Word extends string>(what: string, given: unknown, words: readonly Word[]): Word {
  return (
    words.find((word) => word === given) ??
    refuse(what, 'one of the known choices', `they are: ${words.join(', ')}`)
  )
}

/** Works across realms. An object with another prototype may have members that are not its own. */
function isPlainObject(given: unknown): given is object {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return false
  const prototype = Object.getPrototypeOf(given)
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

function refuse(what: string, rule: string, hint: string): never {
  throw new AppError('INVALID', `${what} must be ${rule}`, { hint })
}

const quoted = (name: unknown) => (typeof name === 'string' ? JSON.stringify(name) : `of type ${typeof name}`)
