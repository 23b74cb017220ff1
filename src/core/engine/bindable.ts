import { AppError } from '../errors.ts'

/** A value that the driver binds without changing it. */
export type Bindable = string | number | null | Uint8Array

/**
 * Converts a value for binding to a statement; booleans become 0 and 1. Throws INVALID, naming `what`, for a
 * value that the driver would store as something else: big integers and NaN as NULL, objects as text.
 */
export function bindable(value: unknown, what = 'a parameter'): Bindable {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') {
    if (value.isWellFormed()) return value
    throw new AppError('INVALID', `${what} contains half of a surrogate pair, which UTF-8 cannot hold`, {
      hint: 'remove the broken character and try again',
    })
  }
  const isExact = Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))
  if (value === null || isExact || value instanceof Uint8Array) return value as Bindable
  throw new AppError('INVALID', `${what} cannot be ${describe(value)}`, {
    hint: 'a value is text, a finite number (a whole one up to 2^53 - 1), true, false, null, or bytes',
  })
}

/** Describes a value without calling any of its own code, so that it never throws. */
function describe(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? 'a whole number above 2^53' : String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : value === undefined ? 'undefined' : `a ${typeof value}`
}
