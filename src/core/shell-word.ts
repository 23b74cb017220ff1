/**
 * Formats a word so that a shell takes it literally; quotes it only when needed. Characters that could
 * control a terminal are written as bytes, in the quotes that POSIX has for them since 2024.
 */
export function shellWord(word: string): string {
  if (STEERING.test(word))
    return `$'${word.replace(/['\\]/g, '\\$&').replace(new RegExp(STEERING, 'gu'), bytes)}'`
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Control characters, and those that change the direction of text. */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

const bytes = (text: string) =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
