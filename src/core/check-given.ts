import type { Column, Entity } from './entity.ts'
import { AppError } from './errors.ts'

/*
 * What a caller gives is checked before any SQL is made of it: the names of columns become part of the text of a
 * statement, and types say nothing at run time. `what` begins the message: `session: limit`.
 */

/** The column of this name. Throws INVALID, naming the fields, for a name that the entity does not declare. */
export function columnOf(entity: Entity, name: unknown, columns = entity.columns): Column {
  const column = columns.find((declared) => declared.name === name)
  if (column) return column
  throw new AppError('INVALID', `${entity.name}: there is no field ${quoted(name)}`, {
    hint: `the fields are: ${columns.map((declared) => declared.name).join(', ')}`,
  })
}

/** The members of a plain object. Throws INVALID for anything else, such as a Map, whose content would be overlooked. */
export function membersOf(what: string, given: unknown): [string, unknown][] {
  if (isPlainObject(given)) return Object.entries(given)
  return refuse(what, 'a plain object of fields and values', "such as: { role: 'user' }")
}

/** Throws INVALID for what is no object with fields; it may be of a class. */
export function checkFields(what: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    refuse(what, 'an object of fields and values', "such as: { title: 'Bread that stays soft' }")
}

/** Throws INVALID for what is no text. */
export function textOf(what: string, given: unknown): string {
  return typeof given === 'string' ? given : refuse(what, 'text', 'text is a string, and null is none')
}

/** Throws INVALID for what is no array of texts. */
export function textsOf(what: string, given: unknown): string[] {
  const isList = Array.isArray(given) && given.every((one) => typeof one === 'string')
  return isList ? given : refuse(what, 'an array of texts', 'one of them alone is an array too')
}

/** How many, Infinity for all; `usual` where nothing is given. Throws INVALID for what is no whole number from 0. */
export function countOf(what: string, given: unknown, usual: number): number {
  if (given === undefined || given === null) return usual
  const isCount = Number.isSafeInteger(given) || given === Number.POSITIVE_INFINITY
  if (typeof given === 'number' && isCount && given >= 0) return given
  return refuse(what, 'a whole number from 0', 'leave it out for all')
}

/** A moment, or undefined where none is given. Throws INVALID for what is no Date, or one that does not exist. */
export function momentOf(what: string, given: unknown): Date | undefined {
  if (given === undefined || given === null) return undefined
  const isDate = Object.prototype.toString.call(given) === '[object Date]'
  if (isDate && !Number.isNaN(Number(given))) return given as Date
  return refuse(what, 'a Date that exists', "such as: new Date('2025-06-05T20:22:06Z')")
}

/** Throws INVALID for what is no array of objects with fields. */
export function checkRecords(what: string, given: unknown): void {
  if (!Array.isArray(given)) refuse(what, 'an array', 'one record alone is an array too')
  for (const one of given as unknown[]) checkFields(what, one)
}

/** One of some words. Throws INVALID, naming them, for anything else. */
export function oneOfWords<Word extends string>(what: string, given: unknown, words: readonly Word[]): Word {
  return (
    words.find((word) => word === given) ??
    refuse(what, 'one of a few words', `they are: ${words.join(', ')}`)
  )
}

/** Of whichever realm; one with another prototype has members that are not its own. */
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
