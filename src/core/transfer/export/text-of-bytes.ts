/**
 * A row whose bytes, which another program stored where text belongs, are read as UTF-8; what is none becomes
 * U+FFFD. Tells when there were some.
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
