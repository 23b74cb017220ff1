/**
 * Decodes bytes that another program stored instead of text as UTF-8; invalid bytes become U+FFFD. Calls
 * `onFound` when there were any.
 */
export function textOfBytes<T extends object>(row: T, onFound: () => void): T {
  const found = Object.entries(row).filter(([, value]) => value instanceof Uint8Array)
  if (found.length === 0) return row
  onFound()
  return {
    ...row,
    ...Object.fromEntries(found.map(([name, value]) => [name, Buffer.from(value).toString()])),
  }
}
