/** An object with names. */
export type JsonRecord = Record<string, unknown>

/** The value where it is an object, else null. */
export function asRecord(value: unknown): JsonRecord | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : null
}

/** The value where it is an array, else an empty one. */
export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** The objects among the elements of an array. */
export function asRecords(value: unknown): JsonRecord[] {
  return asArray(value)
    .map(asRecord)
    .filter((element) => element !== null)
}

/**
 * A text as it is, or a number or bytes as text, which SQLite lets any column hold; null for anything else.
 */
export function asText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return typeof value === 'string' ? value : null
}

/** A text of at least one character, also of blanks, as pieces of texts are; null for anything else. */
export function asNonEmpty(value: unknown): string | null {
  return asText(value) || null
}

/** A text, as it is, in which there is more than blanks; null for anything else. */
export function asNonBlank(value: unknown): string | null {
  const text = asText(value)
  return text?.trim() ? text : null
}

/** A text without the blanks around it, as names and ids are; null when nothing is left. */
export function asName(value: unknown): string | null {
  return asText(value)?.trim() || null
}

/** A finite number, also one written as text in decimal digits; null for anything else. */
export function asNumber(value: unknown): number | null {
  const isWritten = typeof value === 'string' && /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)
  const number = isWritten ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** A whole number that is not negative, such as a size in bytes; null for anything else. */
export function asCount(value: unknown): number | null {
  const number = asNumber(value)
  return number !== null && Number.isSafeInteger(number) && number >= 0 ? number : null
}

/** Whether a value says yes, in any of the ways of JSON, SQLite and those who write words into it. */
export function asBoolean(value: unknown, otherwise = false): boolean {
  if (typeof value === 'boolean') return value
  const word = asText(value)?.trim().toLowerCase()
  if (word === undefined) return otherwise
  if (['true', 't', 'yes', 'on'].includes(word)) return true
  if (['false', 'f', 'no', 'off', ''].includes(word)) return false
  const number = asNumber(word)
  return number === null ? otherwise : number !== 0
}

/** The entries that say something (null, '', [] and {} do not). */
export function present(entries: JsonRecord): JsonRecord {
  return leftover(entries, [])
}

/** The entries of a record that say something and that nobody has taken. */
export function leftover(record: JsonRecord, taken: readonly string[]): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([name, value]) => !taken.includes(name) && !isEmpty(value)),
  )
}

/** The order of two texts by their characters, in no language. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
