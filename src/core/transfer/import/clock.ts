import { formatTimestamp } from '../../timestamp.ts'

/** The substitute for an unknown time: 1970, which nobody mistakes for the time of a chat. */
export const UNKNOWN_TIME = formatTimestamp(new Date(0))

/** Later times are ignored: a message after them would exceed the four digits of the year. */
const LAST_DAY = '9999-12-31T00:00:00.000000+00:00'

/**
 * Assigns times to messages. They are ordered by time alone, so along a path each time has to be later than
 * the one before it.
 */
export class Clock {
  now: string
  #started = false

  /** `start`, a time in the form of `formatTimestamp`, becomes the time of a first message without one. */
  constructor(start: string) {
    this.now = start < LAST_DAY ? start : LAST_DAY
  }

  /** Returns the time of the next message: its own if that is later than all before. */
  next(own: string | null): string {
    if (own !== null && own < LAST_DAY && (own > this.now || !this.#started)) this.now = own
    else if (this.#started) this.now = oneMicrosecondAfter(this.now)
    this.#started = true
    return this.now
  }
}

/** Adds a microsecond to the fixed-width form of `formatTimestamp`. */
function oneMicrosecondAfter(timestamp: string): string {
  const micros = Number(timestamp.slice(20, 26)) + 1
  if (micros < 1_000_000) return `${timestamp.slice(0, 20)}${String(micros).padStart(6, '0')}+00:00`
  const second = new Date(`${timestamp.slice(0, 19)}Z`)
  return formatTimestamp(new Date(second.getTime() + 1000))
}
