/**
 * Formats a time as the database stores it: RFC 3339, UTC, fixed width, microseconds
 * (`2025-06-05T20:22:06.123000+00:00`).
 */
export function formatTimestamp(moment: Date): string {
  return `${moment.toISOString().slice(0, -1)}000+00:00`
}

/** Parses a timestamp in one of these forms; returns an invalid date when it has none of them. */
export function momentOf(stored: string): Date {
  return new Date(readTimestamp(stored) ?? Number.NaN)
}

const FORMS = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|\+00:00)?$/

/**
 * The output of `formatTimestamp` for a day that exists in every month: by far the most common form, and one
 * that needs no conversion.
 */
const OWN_FORM = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}\+00:00$/

/**
 * Converts a stored timestamp to RFC 3339 UTC, or returns null when it is not one. Reads the three forms that
 * occur: RFC 3339 with 0 to 9 fraction digits and `+00:00` or `Z`, and SQLite's CURRENT_TIMESTAMP
 * (`2025-06-05 20:22:06`), which is UTC too.
 */
export function readTimestamp(stored: string): string | null {
  if (OWN_FORM.test(stored)) return stored
  const [, day, time, fraction = ''] = FORMS.exec(stored) ?? []
  // JavaScript moves 30 February into March; a time that exists comes back unchanged.
  if (day === undefined || new Date(`${day}T${time}Z`).toJSON()?.slice(0, 19) !== `${day}T${time}`)
    return null
  return `${day}T${time}.${fraction.slice(0, 6).padEnd(6, '0')}+00:00`
}
