/**
 * A word as a shell takes it literally; in quotes only where it needs them. What could steer a terminal is
 * written as bytes, in the quotes that POSIX has for that since 2024.
 */
export function shellWord(word: string): string {
  if (STEERING.test(word))
    return `$'${word.replace(/['\\]/g, '\\$&').replace(new RegExp(STEERING, 'gu'), bytes)}'`
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Control characters, and those that turn the direction of text. */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

const bytes = (text: string) =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
