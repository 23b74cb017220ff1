import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { Environment } from '../core/environment.ts'
import { replaceAll } from '../core/replace-all.ts'

/** A stream that may be a terminal. */
export type Output = Writable & { isTTY?: boolean; columns?: number }

/** Functions that colour text, or leave it unchanged when colour is not wanted. */
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

/** Creates the style of a stream: coloured as chosen, by NO_COLOR and FORCE_COLOR, or on a terminal. */
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

// C0 without newline and tab, DEL, C1, line and paragraph separators, and every bidirectional control.
const CONTROLS = String.raw`[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]`
const UNSAFE = new RegExp(CONTROLS, 'g')
const UNSAFE_OR_BREAK = new RegExp(String.raw`${CONTROLS}|[\t\n]`, 'g')
/** The sequences that a Style adds. */
const STYLING = String.raw`\x1b\[(?:1|2|22|31|32|33|39)m`
const STYLING_OR_UNSAFE = new RegExp(`(${STYLING})|${CONTROLS}`, 'g')

const SHORT: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escaped(char: string): string {
  const code = char.charCodeAt(0).toString(16)
  // From DEL on in JSON's notation, so that JSON stays valid.
  return SHORT[char] ?? (char < '\x7f' ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`)
}

/** Escapes characters that could control a terminal, as `\x1b` or `\u202e`. Newlines and tabs stay. */
export function safe(text: string): string {
  return replaceAll(text.replaceAll('\r\n', '\n'), UNSAFE, escaped)
}

/** Escapes text within a line like `safe`, including newlines and tabs, so that data cannot fake a line. */
export function safeLine(text: string): string {
  return replaceAll(text, UNSAFE_OR_BREAK, escaped)
}

/** Escapes finished output like `safe`, but keeps the colours of a Style. */
export function safeStyled(text: string): string {
  return replaceAll(text, STYLING_OR_UNSAFE, (char, style) => style ?? escaped(char))
}

/** Escapes every string and key in a value with `safeLine`; the members named by `blocks`, with `safe`. */
export function safeValue<T>(value: T, blocks: readonly string[]): T {
  return within(value, safeLine) as T

  function within(part: unknown, made: typeof safe): unknown {
    if (typeof part === 'string') return made(part)
    if (typeof part !== 'object' || part === null) return part
    if (Array.isArray(part)) return part.map((one) => within(one, made))
    return Object.fromEntries(
      Object.entries(part).map(([name, member]) => [
        safeLine(name),
        within(member, blocks.includes(name) ? safe : safeLine),
      ]),
    )
  }
}

/** Formats a stored time in the local zone, for people: `2025-06-05 22:22:06`. */
export function localTime(timestamp: string): string {
  const moment = new Date(timestamp)
  return Number.isNaN(moment.getTime()) ? timestamp : moment.toLocaleString('sv-SE')
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Formats a size for people: `216.0 KiB`. */
export function humanBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1)
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`
}
