import { styleText } from 'node:util'
import type { Environment } from '../core/key-source.ts'
import type { Output } from './host.ts'

/** How text is coloured, or left as it is where colour is not wanted. */
export interface Style {
  bold: (text: string) => string
  dim: (text: string) => string
  good: (text: string) => string
  caution: (text: string) => string
  bad: (text: string) => string
  /** Columns of the terminal; without one nothing is cut. */
  width: number
}

export type ColorChoice = 'auto' | 'always' | 'never'

/** The style of a stream: coloured as chosen, by NO_COLOR and FORCE_COLOR, or on a terminal. */
export function createStyle(stream: Output, choice: ColorChoice, env: Environment): Style {
  const colored = wantsColor(stream, choice, env)
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    colored ? styleText(format, text, { validateStream: false }) : text
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    caution: paint('yellow'),
    bad: paint('red'),
    width: stream.isTTY ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY,
  }
}

function wantsColor(stream: Output, choice: ColorChoice, env: Environment): boolean {
  if (choice !== 'auto') return choice === 'always'
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return Boolean(stream.isTTY) && env.TERM !== 'dumb'
}

// C0 without newline and tab, DEL, C1, and the characters that turn the reading direction.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Text from a database that a terminal shows and does not obey: what could steer it is written as `\x1b`, `\u202e`. */
export function safe(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
  })
}

/** A stored time in the local zone, for people: `2025-06-05 22:22:06`. */
export function localTime(timestamp: string): string {
  const moment = new Date(timestamp)
  return Number.isNaN(moment.getTime()) ? timestamp : moment.toLocaleString('sv-SE')
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** A size for people: `216.0 KiB`. */
export function humanBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1)
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`
}
