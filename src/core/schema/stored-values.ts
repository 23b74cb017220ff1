import { readTimestamp } from '../timestamp.ts'

/*
 * Times that another program stored as numbers, read as SQLite's own functions do ('auto'): from 1721059.5
 * (the year 0) to 5373484.5 (the year 9999) a Julian day, otherwise seconds since 1970; numbers too large for
 * that are milli-, micro- or nanoseconds, as in import. Smaller numbers are not times.
 */

const FIRST_JULIAN_DAY = 1721059.5
const END_OF_JULIAN_DAYS = 5373484.5
const JULIAN_1970 = 2440587.5
const SECONDS_OF_YEAR_0 = -62_167_219_200
/** Below each of these limits, one second is this many units. */
const UNITS = [
  { below: 1e11, second: 1 },
  { below: 1e14, second: 1e3 },
  { below: 1e17, second: 1e6 },
  { below: 1e20, second: 1e9 },
] as const

/** Reads a stored value of a time column as RFC 3339 UTC, or null when it is not a time. */
export function readStoredTime(value: unknown): string | null {
  if (typeof value !== 'number') return readTimestamp(String(value))
  const unit = UNITS.find(({ below }) => value < below)
  if (!unit || value < SECONDS_OF_YEAR_0 || (value >= 0 && value < FIRST_JULIAN_DAY)) return null
  const isDay = value >= 0 && value < END_OF_JULIAN_DAYS
  const seconds = isDay ? Math.round((value - JULIAN_1970) * 86_400_000) / 1000 : value / unit.second
  const whole = Math.floor(seconds)
  const micros = Math.round((seconds - whole) * 1e6)
  // The fraction may round up to a second.
  const moment = new Date((whole + Math.floor(micros / 1e6)) * 1000)
  return `${moment.toISOString().slice(0, 19)}.${String(micros % 1e6).padStart(6, '0')}+00:00`
}

/** Returns an SQL expression for a stored time, `2025-06-05T20:22:06.123Z`; NULL when it is not one. */
export function momentSql(column: string): string {
  const [milli, micro, nano] = UNITS.slice(0, 3).map(({ below }) => below)
  const number = `CASE WHEN ${column} < ${SECONDS_OF_YEAR_0} OR ${column} >= 1e20
      OR (${column} >= 0 AND ${column} < ${FIRST_JULIAN_DAY}) THEN NULL
    WHEN ${column} < ${milli} THEN ${column} WHEN ${column} < ${micro} THEN ${column} / 1e3
    WHEN ${column} < ${nano} THEN ${column} / 1e6 ELSE ${column} / 1e9 END`
  return `strftime('%Y-%m-%dT%H:%M:%fZ', CASE WHEN ${isNumber(column)} THEN ${number} ELSE ${column} END, 'auto')`
}

/**
 * Returns an SQL expression that sorts stored times chronologically, for a table in which some are numbers:
 * SQLite sorts all of these first.
 */
export function timeOrderSql(column: string): string {
  // Every number sorts before the empty text; this is faster than checking the type.
  return `CASE WHEN ${column} < '' THEN ${momentSql(column)} ELSE ${column} END`
}

/**
 * Returns an SQL expression that is true when any time in a column is a number; an index on the column
 * answers it.
 */
export function hasNumbersSql(column: string, table: string): string {
  return `coalesce((SELECT min(${column}) FROM ${table}) < '', 0)`
}

const isNumber = (column: string) => `typeof(${column}) IN ('integer', 'real')`

/** Words for false that other programs store instead of 0; anything else that is not 0 is true. */
const NO = ['', '0', 'false', 'f', 'no', 'n', 'off']

/** Returns true when a stored value of a boolean column is true. */
export function isTrue(value: unknown): boolean {
  return typeof value === 'string' ? !NO.includes(value.toLowerCase()) : Boolean(value)
}

/** Returns the same as an SQL expression, 1 or 0. */
export function truthSql(column: string): string {
  const words = NO.map((word) => `'${word}'`).join(', ')
  return `(${column} <> 0 AND (typeof(${column}) <> 'text' OR lower(${column}) NOT IN (${words})))`
}
