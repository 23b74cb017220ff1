import { AppError } from '../../errors.ts'
import { readTimestamp } from '../../timestamp.ts'

/**
 * Converts a wall time without an offset, given as if it were UTC, to a time in milliseconds since 1970, UTC.
 */
export type NaiveTime = (wall: number, fraction: string) => number

/** Date, time, fraction, offset, and what Go appends: the zone's name and its monotonic clock. */
const FORMS =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?(?: ?([Zz]|UTC|[+-]\d{2}(?::?\d{2})?)(?: [A-Z+-][A-Za-z0-9+-]*)?(?: m=\S+)?)?$/
const NUMBER_FORM = /^\d{1,20}(\.\d{1,20})?$/

/** Larger numbers cannot be seconds (that would be the year 5138), but are milliseconds, and so on. */
const UNITS = [
  { below: 1e11, microseconds: 1e6 },
  { below: 1e14, microseconds: 1e3 },
  { below: 1e17, microseconds: 1 },
  { below: 1e20, microseconds: 1e-3 },
]

/**
 * Reads a time as other programs write it, as `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`: seconds, milliseconds,
 * micro- or nanoseconds since 1970, distinguished by their size, also as text; or the forms of JavaScript,
 * SQLite, chrono, Python and Go, in UTC without an offset, unless `naive` knows better. Null for anything
 * else, for 0, and for Go's zero.
 */
export function readTime(value: unknown, naive: NaiveTime = (wall) => wall): string | null {
  if (typeof value === 'number') return fromNumber(value)
  if (typeof value !== 'string') return null
  const text = value.trim()
  return NUMBER_FORM.test(text) ? fromNumber(Number(text)) : fromText(text, naive)
}

/** Returns the first and the last of some times, any of which may be unknown. */
export function spanOf(times: readonly (string | null)[]): {
  created_at: string | null
  updated_at: string | null
} {
  const known = times.filter((time) => time !== null).sort()
  return { created_at: known[0] ?? null, updated_at: known.at(-1) ?? null }
}

function fromNumber(value: number): string | null {
  const unit = UNITS.find(({ below }) => value < below)
  if (!(value > 0) || !unit) return null
  const microseconds = Math.round(value * unit.microseconds)
  return format(Math.floor(microseconds / 1000), String(microseconds % 1e6).padStart(6, '0'))
}

function fromText(text: string, naive: NaiveTime): string | null {
  const [, day, minute = '00:00', second = '00', fraction = '', offset] = FORMS.exec(text) ?? []
  const wall = day === undefined ? null : readTimestamp(`${day}T${minute}:${second}`)
  if (wall === null) return null
  if (offset === undefined) return format(naive(Date.parse(wall), fraction), fraction)
  const ahead = readOffset(offset)
  return ahead === null ? null : format(Date.parse(wall) - ahead, fraction)
}

/**
 * Formats a time; null outside of the years that four digits can hold, and for the first of them, which Go
 * writes for no time.
 */
function format(milliseconds: number, fraction: string): string | null {
  const text = new Date(milliseconds).toISOString()
  if (text.length !== 24 || text < '0002') return null
  return `${text.slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}+00:00`
}

/**
 * Returns how many milliseconds `+02:00`, `-0700`, `+05` or `GMT+05:45` is ahead of UTC; null for more than a
 * day.
 */
function readOffset(offset: string): number | null {
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    /([+-])(\d{2}):?(\d{2})?:?(\d{2})?$/.exec(offset) ?? []
  if (Number(hours) > 23 || Number(minutes) > 59) return null
  const ahead = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  return (sign === '-' ? -ahead : ahead) * 1000
}

const DAY = 86_400_000
/** No zone changes its clocks between the quarters of an hour. */
const QUARTER = 900_000

/**
 * Returns the clock of an IANA zone: it converts wall time to a time. In an hour that occurs twice, the first
 * is used; a skipped time moves forward by what was skipped. Throws INVALID for an unknown zone.
 */
export function zoneClock(zone: string): NaiveTime {
  const offsetAt = zoneOffset(zone)
  const known = new Map<number, number>()
  return (wall) => {
    const quarter = Math.floor(wall / QUARTER)
    let offset = known.get(quarter)
    if (offset === undefined) {
      const around = [offsetAt(wall - DAY), offsetAt(wall + DAY)] as const
      const fitting = around.filter((candidate) => offsetAt(wall - candidate) === candidate)
      // The larger offset is the earlier time; without any, the time was skipped.
      offset = fitting.length > 0 ? Math.max(...fitting) : around[0]
      known.set(quarter, offset)
    }
    return wall - offset
  }
}

/** Returns how far a zone was ahead of UTC at a given time, in milliseconds. */
function zoneOffset(zone: string): (moment: number) => number {
  try {
    const names = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    return (moment) =>
      readOffset(names.formatToParts(moment).find(({ type }) => type === 'timeZoneName')?.value ?? '') ?? 0
  } catch (cause) {
    throw new AppError('INVALID', `${JSON.stringify(zone)} is not a time zone`, {
      hint: 'name one as the IANA list does, for instance Europe/Berlin or America/New_York',
      cause,
    })
  }
}
