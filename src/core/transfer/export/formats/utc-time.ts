/**
 * Formats a stored time for people (`2025-06-05 20:22 UTC`) and for machines; returns null when it is not a
 * time.
 */
export function utcTime(stored: string): { text: string; iso: string } | null {
  const moment = new Date(stored)
  if (Number.isNaN(moment.getTime())) return null
  const iso = moment.toISOString()
  return { text: `${iso.slice(0, -8).replace('T', ' ')} UTC`, iso }
}

/** Returns whole seconds since 1970, or null when the stored value is not a time. */
export function epochSeconds(stored: string): number | null {
  const milliseconds = new Date(stored).getTime()
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000)
}
