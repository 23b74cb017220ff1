import { AppError } from '../errors.ts'

/** Tells the moment (milliseconds since 1970, UTC) of a wall time without an offset, itself given as if it were UTC. */
export type NaiveTime = (wall: number, fraction: string) => number

// What SQLite, chrono, Python and Go write: date, time, fraction, offset, and the zone's name after Go's offset.
const FORMS =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?([Zz]|UTC|[+-]\d{2}(?::?\d{2})?)?(?: [A-Z+-][A-Za-z0-9+-]*)?(?: m=\S+)?$/

/**
 * A time of another program as RFC 3339 UTC with microseconds, or null when it is none or the zero time of Go. Numbers
 * are seconds or milliseconds since 1970, told by their size; a time without an offset is UTC unless `naive` knows better.
 */
export function readSourceTime(value: unknown, naive: NaiveTime = (wall) => wall): string | null {
  if (typeof value === 'number') return fromEpoch(value)
  if (typeof value !== 'string') return null
  const [, day, minute = '00:00', second = '00', fraction = '', offset] = FORMS.exec(value.trim()) ?? []
  const wall = `${day}T${minute}:${second}`
  // JavaScript moves 30 February into March; a moment that exists comes back as it was.
  if (day === undefined || new Date(`${wall}Z`).toJSON()?.slice(0, 19) !== wall) return null
  const milliseconds = Date.parse(`${wall}Z`)
  return format(
    offset === undefined ? naive(milliseconds, fraction) : milliseconds - offsetOf(offset),
    fraction,
  )
}

function format(milliseconds: number, fraction: string): string | null {
  const text = new Date(milliseconds).toISOString().slice(0, 19)
  if (text.startsWith('0001-')) return null
  return `${text}.${fraction.slice(0, 6).padEnd(6, '0')}+00:00`
}

function fromEpoch(value: number): string | null {
  const seconds = value < 1e11 ? value : value / 1000
  if (!(seconds > 0 && seconds < 1e11)) return null
  const whole = Math.floor(seconds)
  const micro = Math.min(Math.round((seconds - whole) * 1e6), 999_999)
  return format(whole * 1000, String(micro).padStart(6, '0'))
}

/** Milliseconds that `+02:00`, `-0700`, `+05` or `GMT+05:45` is ahead of UTC. */
function offsetOf(offset: string): number {
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    /([+-])(\d{2}):?(\d{2})?:?(\d{2})?$/.exec(offset) ?? []
  const ahead = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  return (sign === '-' ? -ahead : ahead) * 1000
}

const DAY = 86_400_000
/** No zone changes its clocks between the quarters of an hour. */
const QUARTER = 900_000

/**
 * The clock of an IANA zone: what it showed, to the moment. Of an hour that the clock showed twice the first is taken;
 * a time that it skipped is moved forward by what was skipped. Throws INVALID for a zone that is not known.
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
      // The larger offset is the earlier moment; without any the time was skipped.
      offset = fitting.length > 0 ? Math.max(...fitting) : around[0]
      known.set(quarter, offset)
    }
    return wall - offset
  }
}

/** How far a zone was ahead of UTC at a moment, in milliseconds. */
function zoneOffset(zone: string): (moment: number) => number {
  try {
    const names = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    return (moment) =>
      offsetOf(names.formatToParts(moment).find(({ type }) => type === 'timeZoneName')?.value ?? '')
  } catch (cause) {
    throw new AppError('INVALID', `${JSON.stringify(zone)} is not a time zone`, {
      hint: 'name one as the IANA list does, for instance Europe/Berlin or America/New_York',
      cause,
    })
  }
}
