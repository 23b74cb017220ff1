import { formatTimestamp } from '../../timestamp.ts'

/** The moment that stands for no known one: 1970, as nobody takes it for the time of a chat. */
export const UNKNOWN_TIME = formatTimestamp(new Date(0))

/** From here on times are not followed: a message after them would leave the four digits of the year. */
const LAST_DAY = '9999-12-31T00:00:00.000000+00:00'

/**
 * Messages are ordered by time alone, so along a path no time may be the same as, or before, the one before
 * it.
 */
export class Clock {
  now: string
  #started = false

  /** A time in the form of `formatTimestamp`, which a first message without a time gets. */
  constructor(start: string) {
    this.now = start < LAST_DAY ? start : LAST_DAY
  }

  /** The time of the next message, its own wherever that is later than all before. */
  next(own: string | null): string {
    if (own !== null && own < LAST_DAY && (own > this.now || !this.#started)) this.now = own
    else if (this.#started) this.now = oneMicrosecondAfter(this.now)
    this.#started = true
    return this.now
  }
}

/** For the fixed-width form of `formatTimestamp`. */
function oneMicrosecondAfter(timestamp: string): string {
  const micros = Number(timestamp.slice(20, 26)) + 1
  if (micros < 1_000_000) return `${timestamp.slice(0, 20)}${String(micros).padStart(6, '0')}+00:00`
  const second = new Date(`${timestamp.slice(0, 19)}Z`)
  return formatTimestamp(new Date(second.getTime() + 1000))
}
