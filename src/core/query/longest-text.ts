import { AppError } from '../errors.ts'

/** Bytes of the longest text that JavaScript can hold; SQLite can hold about twice as much. */
export const LONGEST_TEXT = 0x1fffffe8

/**
 * What SQL gives in the place of a text that is longer: the driver ends the process for one. No text is
 * infinite.
 */
const TOO_LONG = Number.POSITIVE_INFINITY

/** A column of text for a SELECT; `refuseTooLong` tells a value that is too long. */
export function guardedText(column: string): string {
  return `iif(octet_length(${column}) > ${LONGEST_TEXT}, 9e999, ${column})`
}

/**
 * Throws INVALID, naming the column and the record, for a value of `guardedText`, or bytes, that no text can
 * hold.
 */
export function refuseTooLong(value: unknown, column: string, table: string, key: unknown): void {
  const isTooLong = value === TOO_LONG || (value instanceof Uint8Array && value.length > LONGEST_TEXT / 2 - 3)
  if (!isTooLong) return
  throw new AppError(
    'INVALID',
    `${column} of ${String(key)} in ${table} is longer than can be read at once`,
    {
      hint: {
        step: 'query_example',
        sql: `SELECT substr(${column}, 1, 10000) FROM ${table} WHERE octet_length(${column}) > 268000000`,
        about: 'see its start (a backup has all of it)',
      },
    },
  )
}

/**
 * Runs `work`; throws INVALID, with `words`, where it makes a text that is too long, or a value is nested too
 * deeply for it.
 */
export async function withinLimits<T>(words: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = Object(error) as { code?: unknown }
    const isLimit = error instanceof RangeError || code === 'ERR_STRING_TOO_LONG' || code === 'SQLITE_NOMEM'
    if (!isLimit) throw error
    throw new AppError('INVALID', words(), {
      hint: ['take fewer records at once', { step: 'explain_query' }],
      cause: error,
    })
  }
}
