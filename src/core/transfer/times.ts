import { readTimestamp } from '../timestamp.ts'

const OFFSET_FORM = /^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})(\.\d{1,9})? ?([+-])(\d{2}):?(\d{2})$/
const NUMBER_FORM = /^\d{1,20}(\.\d{1,20})?$/

/** Numbers from here on are no seconds (that would be the year 5138), but milliseconds, and so on. */
const UNITS = [
  { below: 1e11, microseconds: 1e6 },
  { below: 1e14, microseconds: 1e3 },
  { below: 1e17, microseconds: 1 },
  { below: 1e20, microseconds: 1e-3 },
]

/**
 * A moment as other programs write it, as `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`: seconds, milliseconds, micro- or
 * nanoseconds since 1970, told apart by their size, also as text; or ISO 8601, in UTC where no zone is named. Null for
 * anything else, and for 0.
 */
export function readTime(value: unknown): string | null {
  if (typeof value === 'number') return fromNumber(value)
  if (typeof value !== 'string') return null
  const text = value.trim()
  return NUMBER_FORM.test(text) ? fromNumber(Number(text)) : (readTimestamp(text) ?? fromOffset(text))
}

/** The later of some moments, of which any may be unknown. */
export function latest(...times: (string | null)[]): string | null {
  return times.reduce((later, time) => (time !== null && time > (later ?? '') ? time : later), null)
}

function fromNumber(value: number): string | null {
  const unit = UNITS.find(({ below }) => value < below)
  if (!(value > 0) || !unit) return null
  return fromMicroseconds(Math.round(value * unit.microseconds))
}

function fromOffset(text: string): string | null {
  const [, moment, fraction = '', sign, hours, minutes] = OFFSET_FORM.exec(text) ?? []
  const utc = moment === undefined ? null : readTimestamp(moment)
  if (utc === null || Number(hours) > 23 || Number(minutes) > 59) return null
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60_000 : 60_000)
  const moved = new Date(Date.parse(utc) - offset).toISOString()
  // A year outside 0000 to 9999 is written longer.
  return moved.length === 24 ? `${moved.slice(0, 19)}.${fraction.slice(1, 7).padEnd(6, '0')}+00:00` : null
}

function fromMicroseconds(value: number): string {
  const rest = String(value % 1000).padStart(3, '0')
  return `${new Date(Math.floor(value / 1000)).toISOString().slice(0, -1)}${rest}+00:00`
}
