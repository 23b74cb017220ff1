const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** A value as JSON on one line, also for readers that end lines at U+0085, U+2028 and U+2029. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    LINE_ENDS,
    (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
