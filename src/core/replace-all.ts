/** Characters to search at once: V8 ends the process when a text has more than some 100 million matches. */
const PART = 16 * 1024 * 1024

/**
 * Works like `text.replace`, for texts of any length; no match of the pattern may be longer than 16
 * characters.
 */
export function replaceAll(
  text: string,
  pattern: RegExp,
  by: (char: string, group?: string) => string,
): string {
  if (text.length <= PART) return text.replace(pattern, by)
  let whole = ''
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + PART, text.length)
    // Not inside what the terminal reads as one sequence.
    const sequence = text.lastIndexOf('\x1b', end)
    if (end < text.length && sequence > end - 16 && sequence > at) end = sequence
    whole += text.slice(at, end).replace(pattern, by)
    at = end
  }
  return whole
}
