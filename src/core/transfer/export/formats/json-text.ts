import { replaceAll } from '../../../replace-all.ts'

// DEL, C1, line and paragraph separators, and bidirectional controls, which JSON.stringify does not escape.
const UNESCAPED = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * Formats a value as JSON, on one line or indented. It contains no characters that could control a terminal,
 * nor U+0085, U+2028 and U+2029, at which some readers end a line.
 */
export function jsonText(value: unknown, indent?: number): string {
  return replaceAll(
    JSON.stringify(value, null, indent),
    UNESCAPED,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
