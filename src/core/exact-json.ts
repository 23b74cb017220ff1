const NUMBER_OR_STRING = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * Parses JSON; returns undefined when a number in it would not round-trip exactly (above 2^53, or infinite).
 */
export function parseExactJson(text: string): unknown {
  for (const [token] of text.matchAll(NUMBER_OR_STRING)) {
    if (token.startsWith('"')) continue
    const value = Number(token)
    if (!Number.isFinite(value) || (/^-?\d+$/.test(token) && !Number.isSafeInteger(value))) return undefined
  }
  return JSON.parse(text)
}
