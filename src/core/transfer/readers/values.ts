/** An object with names. */
export type JsonRecord = Record<string, unknown>

/** Returns the value if it is an object, otherwise null. */
export function asRecord(value: unknown): JsonRecord | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : null
}

/** Returns the value if it is an array, otherwise an empty one. */
export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** Returns the objects among the elements of an array. */
export function asRecords(value: unknown): JsonRecord[] {
  return asArray(value)
    .map(asRecord)
    .filter((element) => element !== null)
}

/**
 * Returns a text unchanged, or a number or bytes as text, since SQLite lets any column hold these; null for
 * anything else.
 */
export function asText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return typeof value === 'string' ? value : null
}

/**
 * Returns a text of at least one character, even a blank, since pieces of text may be blank; null for
 * anything else.
 */
export function asNonEmpty(value: unknown): string | null {
  return asText(value) || null
}

/** Returns a text unchanged if it contains more than blanks; null for anything else. */
export function asNonBlank(value: unknown): string | null {
  const text = asText(value)
  return text?.trim() ? text : null
}

/** Returns a text without surrounding blanks, for names and ids; null when nothing is left. */
export function asName(value: unknown): string | null {
  return asText(value)?.trim() || null
}

/** Returns a finite number, even one written as text in decimal digits; null for anything else. */
export function asNumber(value: unknown): number | null {
  const isWritten = typeof value === 'string' && /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)
  const number = isWritten ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** Returns a whole number that is not negative, such as a size in bytes; null for anything else. */
export function asCount(value: unknown): number | null {
  const number = asNumber(value)
  return number !== null && Number.isSafeInteger(number) && number >= 0 ? number : null
}

/** Returns true when a value means yes, in any of the ways of JSON, SQLite and those who store words. */
export function asBoolean(value: unknown, otherwise = false): boolean {
  if (typeof value === 'boolean') return value
  const word = asText(value)?.trim().toLowerCase()
  if (word === undefined) return otherwise
  if (['true', 't', 'yes', 'on'].includes(word)) return true
  if (['false', 'f', 'no', 'off', ''].includes(word)) return false
  const number = asNumber(word)
  return number === null ? otherwise : number !== 0
}

/** Returns the entries with content (null, '', [] and {} have none). */
export function present(entries: JsonRecord): JsonRecord {
  return leftover(entries, [])
}

/** Returns the entries of a record that have content and that no reader has taken. */
export function leftover(record: JsonRecord, taken: readonly string[]): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([name, value]) => !taken.includes(name) && !isEmpty(value)),
  )
}

/** Compares two texts by their characters, independent of language. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
