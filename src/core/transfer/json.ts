import { createHash } from 'node:crypto'
import { parseExactJson } from '../exact-json.ts'

/** A JSON object. */
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

/** A text that is not empty, or a number as text; null for anything else. */
export function asString(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null
  return typeof value === 'string' && value !== '' ? value : null
}

/** A text without the space around it, as titles and names are; null when nothing is left. */
export function asName(value: unknown): string | null {
  return asString(value)?.trim() || null
}

/** A finite number, also one written as text; null for anything else. */
export function asNumber(value: unknown): number | null {
  if (typeof value === 'string' && /^\s*[+-]?\d{1,20}(\.\d{1,20})?\s*$/.test(value)) return Number(value)
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** A whole number that is not negative, such as a size in bytes; null for anything else. */
export function asCount(value: unknown): number | null {
  const number = asNumber(value)
  return number !== null && Number.isSafeInteger(number) && number >= 0 ? number : null
}

/** Whether the value says yes, in any of the ways that JSON and SQLite have for it. */
export function asBoolean(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true'
}

/** The entries of a record that nobody has taken and that say something (null, '', [] and {} do not). */
export function leftover(record: JsonRecord, taken: readonly string[]): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([name, value]) => !taken.includes(name) && !isEmpty(value)),
  )
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** The object or array that a text is the JSON of, also when it was encoded twice; any other value as it is. */
export function decodeJson(value: unknown): unknown {
  let decoded = value
  for (let rounds = 0; rounds < 2 && typeof decoded === 'string'; rounds++) {
    const inner = parseJson(decoded)
    if (inner === undefined) break
    decoded = inner
  }
  return typeof decoded === 'object' && decoded !== null ? decoded : value
}

function parseJson(text: string): unknown {
  if (!/^\s*["[{]/.test(text)) return undefined
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}

/** An id for what has none in its source: the same for the same content. */
export function contentId(value: unknown): string {
  return createHash('sha256')
    .update(toJson(value) ?? '')
    .digest('hex')
    .slice(0, 32)
}

/** The value as JSON; null for what has none, such as arrays nested too deep to be written. */
export function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return null
  }
}
