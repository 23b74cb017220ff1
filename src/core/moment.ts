import { AppError } from './errors.ts'

const UNITS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }

/**
 * Parses a time given by a user: a time ago (`12h`, `7d`, `2w`), a date (`2025-06-05`, its midnight in UTC),
 * or RFC 3339 (`2025-06-05T20:22:06Z`). Throws INVALID, also for dates that do not exist.
 */
export function parseMoment(text: string, now: Date): Date {
  const [, amount, unit = ''] = /^(\d{1,6})([hdw])$/.exec(text) ?? []
  if (amount !== undefined) return new Date(now.getTime() - Number(amount) * (UNITS[unit] ?? 0))
  const [, day, rest] =
    /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? []
  const moment = new Date(rest === undefined ? `${day}T00:00Z` : text)
  // JavaScript moves 30 February into March; a date that exists comes back unchanged.
  const exists = day !== undefined && new Date(`${day}T00:00Z`).toJSON()?.startsWith(day)
  if (!exists || Number.isNaN(moment.getTime())) {
    throw new AppError('INVALID', `${JSON.stringify(text)} is not a time`, {
      hint: 'write a date that exists (2025-06-05), a time (2025-06-05T20:22:06Z), or a time ago (12h, 7d, 2w)',
    })
  }
  return moment
}
