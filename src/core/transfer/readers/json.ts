import { AppError } from '../../errors.ts'
import { parseExactJson } from '../../exact-json.ts'
import { asNonBlank, asRecord, asText, type JsonRecord } from './values.ts'

/**
 * What a text is the JSON of, also when it was encoded twice; undefined where it is none, any other value as
 * it is. It is for what is read and not kept, as numbers above 2^53 are rounded.
 */
export function parseJson(value: unknown): unknown {
  return decode(value, JSON.parse)
}

/**
 * The object or array that a text happens to be the JSON of, also when it was encoded twice; else the value
 * as it is.
 */
export function decodeJson(value: unknown): unknown {
  const decoded = decode(value, parseExactJson)
  return isStructure(decoded) ? decoded : value
}

/**
 * What its program stored as JSON, of any type; as text where it is none or holds inexact numbers; null for
 * nothing, and what is a value already as it is.
 */
export function storedJson(value: unknown): unknown {
  if (isStructure(value) && !(value instanceof Uint8Array)) return value
  const text = asNonBlank(value)
  const decoded = decode(text, parseExactJson)
  return decoded === undefined ? text : decoded
}

/**
 * Stored metadata as an object: an array is kept under the name `list`, what is neither as `source_metadata`.
 */
export function storedMetadata(value: unknown, list = 'source_metadata'): JsonRecord {
  const metadata = storedJson(value)
  if (metadata === null) return {}
  return asRecord(metadata) ?? { [Array.isArray(metadata) ? list : 'source_metadata']: metadata }
}

/** The value as JSON; null for what has none, such as arrays nested too deep to be written. */
export function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return null
  }
}

/** Deeper JSON is none to SQLite, and so to whoever reads the database. */
const DEEPEST = 1000

/**
 * JSON text that the database can hold: halves of surrogate pairs are replaced. Throws INVALID for endless
 * nesting.
 */
export function toJson(value: unknown): string {
  const text = jsonOf(value ?? null)
  if (text === null || isTooDeep(text)) {
    throw new AppError('INVALID', 'something in it is nested too deep to be kept', {
      hint: 'look at this conversation in the export file',
    })
  }
  return text.toWellFormed()
}

function isTooDeep(text: string): boolean {
  // By far the most texts have no place for that many brackets.
  if (text.length < 2 * DEEPEST) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === '"') at = endOfString(text, at)
    else if (sign === '[' || sign === '{') depth++
    else if (sign === ']' || sign === '}') depth--
    if (depth > DEEPEST) return true
  }
  return false
}

/** Where the string ends that begins at a place. */
function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text[end - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return end
  }
}

function decode(value: unknown, parse: (text: string) => unknown): unknown {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return value
  const decoded = parseWith(parse, asText(value) ?? '')
  if (typeof decoded !== 'string') return decoded
  const inner = parseWith(parse, decoded)
  return isStructure(inner) ? inner : decoded
}

function parseWith(parse: (text: string) => unknown, text: string): unknown {
  if (!/^\s*(["[{\d-]|true|false|null)/.test(text)) return undefined
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

const isStructure = (value: unknown) => typeof value === 'object' && value !== null
