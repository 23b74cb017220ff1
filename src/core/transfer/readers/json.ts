import { AppError } from '../../errors.ts'
import { parseExactJson } from '../../exact-json.ts'
import { asNonBlank, asRecord, asText, type JsonRecord } from './values.ts'

/**
 * Parses JSON text, even when it was encoded twice; returns undefined for other text, any other value
 * unchanged. Use it for values that are read but not kept, since it rounds numbers above 2^53.
 */
export function parseJson(value: unknown): unknown {
  return decode(value, JSON.parse)
}

/**
 * Returns the object or array that a text encodes as JSON, even when it was encoded twice; otherwise the
 * value unchanged.
 */
export function decodeJson(value: unknown): unknown {
  const decoded = decode(value, parseExactJson)
  return isStructure(decoded) ? decoded : value
}

/**
 * Returns what a program stored as JSON, of any type; as text when it is not JSON or contains inexact
 * numbers; null for nothing, and a value that is already decoded unchanged.
 */
export function storedJson(value: unknown): unknown {
  if (isStructure(value) && !(value instanceof Uint8Array)) return value
  const text = asNonBlank(value)
  const decoded = decode(text, parseExactJson)
  return decoded === undefined ? text : decoded
}

/**
 * Returns stored metadata as an object: an array is kept under the name `list`, anything else as
 * `source_metadata`.
 */
export function storedMetadata(value: unknown, list = 'source_metadata'): JsonRecord {
  const metadata = storedJson(value)
  if (metadata === null) return {}
  return asRecord(metadata) ?? { [Array.isArray(metadata) ? list : 'source_metadata']: metadata }
}

/** Returns the value as JSON; null when it has none, such as arrays nested too deep. */
export function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return null
  }
}

/** SQLite rejects JSON that is nested deeper, and so does everyone who reads the database. */
const DEEPEST = 1000

/**
 * Returns JSON text that the database can hold: halves of surrogate pairs are replaced. Throws INVALID for
 * endless nesting.
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
  // Most texts are too short for that many brackets.
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

/** Returns where the string ends that begins at a position. */
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
