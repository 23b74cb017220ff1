/** A stored time as people read it (`2025-06-05 20:22 UTC`) and as machines do, or null when it is none. */
export function utcTime(stored: string): { text: string; iso: string } | null {
  const moment = new Date(stored)
  if (Number.isNaN(moment.getTime())) return null
  const iso = moment.toISOString()
  return { text: `${iso.slice(0, -8).replace('T', ' ')} UTC`, iso }
}

/** Whole seconds since 1970, or null when the stored time is none. */
export function epochSeconds(stored: string): number | null {
  const milliseconds = new Date(stored).getTime()
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000)
}
