import type { FileFacts } from '../files/file-facts.ts'
import { FORMATS } from './cipher-settings.ts'
import { Key, RefusedKey, rawKeyLiteral, rawKeyMeant } from './key.ts'
import { createPageCheck } from './page-authenticity.ts'

/** Another spelling of the given key, one that opens the file. It is reported, and never used unasked. */
export class Spelling {
  /** The difference, in words that follow `it opens the file`: `without the space at its end`. */
  readonly words: string
  /** Shell commands that turn the given key into it, in order; undefined when none can. */
  readonly filters: readonly string[] | undefined

  /** The file that it opens, absolute. */
  readonly path: string

  constructor(path: string, words: string, filters: readonly string[] | undefined) {
    this.path = path
    this.words = words
    this.filters = filters
  }
}

/** The most passphrases to try: each takes a tenth of a second; a raw key takes none. */
const MOST_PASSPHRASES = 8

/**
 * Finds the well-known spelling of one of these keys that opens the file, when none of the keys does so as
 * given; undefined when there is none. It needs only the first page of the file, and no connection: the
 * authentication of that page decides.
 */
export async function findSpelling(
  given: readonly (Key | RefusedKey)[],
  { path, samples: { start } }: Pick<FileFacts, 'path' | 'samples'>,
): Promise<Spelling | undefined> {
  const salt = start.subarray(0, 16)
  const all = given.flatMap(draftsOf).flatMap(readings)
  const raw = all.filter(({ key }) => key.isRaw)
  const passphrases = all.filter(({ key }) => !key.isRaw).slice(0, MOST_PASSPHRASES)
  for (const { key, words, filters } of [...raw, ...passphrases]) {
    if (key.salt && !key.salt.equals(salt)) continue
    if (!(await fitsAnyFormat(key, start))) continue
    const commands = filters.includes(undefined) ? undefined : (filters as string[])
    return new Spelling(path, words.join(' and '), commands)
  }
  return undefined
}

async function fitsAnyFormat(key: Key, start: Buffer): Promise<boolean> {
  const salt = start.subarray(0, 16)
  for (const version of [4, 3, 2, 1] as const) {
    const settings = FORMATS[version]
    const literal = await key.derived(salt, settings)
    if (createPageCheck(literal, salt, settings)(start.subarray(0, settings.pageSize), 1)) return true
  }
  return false
}

/** A text that the user may have meant, and the changes that lead to it. */
interface Draft {
  text: string
  words: string[]
  filters: (string | undefined)[]
}

function draftsOf(given: Key | RefusedKey): Draft[] {
  const drafts = given instanceof RefusedKey ? given.respell(decoded) : given.respell(asItIs)
  // Each step adds its changes to the drafts before it, so that fewer changes come first.
  for (const step of [firstLine, trimmed, unquoted, composed, decomposed]) {
    drafts.push(...drafts.flatMap((draft) => step(draft) ?? []))
  }
  const seen = new Set<string>()
  return drafts
    .sort((one, other) => one.words.length - other.words.length)
    .filter(({ text }) => text !== '' && !seen.has(text) && seen.add(text))
}

const asItIs = (text: string): Draft[] => [{ text, words: [], filters: [] }]

function decoded(bytes: Uint8Array): Draft[] {
  const buffer = Buffer.from(bytes)
  const drafts: Draft[] = []
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer)
    drafts.push(...asItIs(text.replace(/\r?\n$/, ''))) // the newline that is always dropped
  } catch {
    // It is not text, or has another encoding.
  }
  if (buffer.length === 32) {
    const filters = [HEX, ...AS_RAW]
    const text = rawKeyLiteral(buffer)
    drafts.push({ text, words: ["as a raw key, written x'<the 64 hex digits of its bytes>'"], filters })
  }
  if (buffer.length % 2 === 0 && buffer.includes(0)) {
    const text = new TextDecoder(buffer[0] === 0xfe ? 'utf-16be' : 'utf-16le').decode(buffer)
    const filters = [`iconv -f ${buffer[0] === 0xfe || buffer[0] === 0xff ? 'UTF-16' : 'UTF-16LE'} -t UTF-8`]
    drafts.push({ text: text.replace(/\r?\n$/, ''), words: ['read as UTF-16'], filters })
  }
  return drafts
}

type Step = (draft: Draft) => Draft | undefined

/** Returns the draft after a change; undefined when there was nothing to change. */
function changed(draft: Draft, text: string, words: string, ...filters: Draft['filters']): Draft | undefined {
  if (text === draft.text) return undefined
  return { text, words: [...draft.words, words], filters: [...draft.filters, ...filters] }
}

const FIRST_LINE = "grep -m 1 '[^[:space:]]'"
const TRIM = "sed 's/^[[:space:]]*//; s/[[:space:]]*$//'"

const firstLine: Step = (draft) => {
  const lines = draft.text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '')
  if (lines.length < 2) return undefined
  const hasReturns = /\r/.test(draft.text)
  return changed(
    draft,
    lines[0] ?? '',
    'with only its first line',
    ...[FIRST_LINE, ...(hasReturns ? [`tr -d '\\r'`] : [])],
  )
}

/** Invisible characters around a key. */
const UNSEEN = /^[\s\0\u200b-\u200d\u2060\ufeff]+|[\s\0\u200b-\u200d\u2060\ufeff]+$/g
const NAMES: Record<string, string> = {
  ' ': 'space',
  '\t': 'tab',
  '\n': 'newline',
  '\r': 'carriage return',
  '\0': 'NUL byte',
  '\u00a0': 'no-break space',
  '\ufeff': 'byte-order mark',
}

const trimmed: Step = (draft) => {
  const text = draft.text.replace(UNSEEN, '')
  const [before = '', after = ''] = text === '' ? [] : draft.text.split(text)
  const removed = [...before, ...after]
  const names = [...new Set(removed.map((char) => NAMES[char] ?? 'invisible character'))].map((name) => {
    const count = removed.filter((char) => (NAMES[char] ?? 'invisible character') === name).length
    return count > 1 ? `${name}s` : name
  })
  const place = before && after ? 'around it' : before ? 'at its beginning' : 'at its end'
  return changed(draft, text, `without the ${names.join(' and ')} ${place}`, ...trimFilters(before, after))
}

function trimFilters(before: string, after: string): (string | undefined)[] {
  if (/^\ufeff$/.test(before) && after === '') return ['tail -c +4']
  if (/^\0*$/.test(before + after)) return ["tr -d '\\0'"]
  // In some locales, tools treat only ASCII as space.
  if (/[^ \t\r\n]/.test(before + after)) return [undefined]
  const lines = /\n/.test(before + after) ? [FIRST_LINE] : []
  return /[ \t\r]/.test(before + after) ? [...lines, TRIM] : lines
}

const QUOTED = /^(?:"(.*)"|'(.*)'|`(.*)`|“(.*)”|‘(.*)’|«(.*)»)$/s

const unquoted: Step = (draft) => {
  const inner = QUOTED.exec(draft.text)
    ?.slice(1)
    .find((text) => text !== undefined)
  if (inner === undefined) return undefined
  const isAscii = /^["'`]/.test(draft.text)
  return changed(draft, inner, 'without the quotes around it', isAscii ? "sed 's/^.//; s/.$//'" : undefined)
}

const composed: Step = (draft) =>
  changed(draft, draft.text.normalize('NFC'), 'with its accents composed (Unicode NFC)', undefined)
const decomposed: Step = (draft) =>
  changed(draft, draft.text.normalize('NFD'), 'with its accents decomposed (Unicode NFD)', undefined)

const HEX = 'od -An -vtx1'
const QUOTE = `sed "s/.*/x'&'/"`
const AS_RAW = ["tr -d ' \\n'", QUOTE]

type Reading = Omit<Draft, 'text'> & { key: Key }

/**
 * Returns the keys that a text can stand for: the passphrase itself, if it was changed, and the raw keys in
 * it.
 */
function readings(draft: Draft): Reading[] {
  const { text, words, filters } = draft
  const found: Reading[] = []
  const add = (key: string, word: string | undefined, ...more: Draft['filters']) => {
    found.push({ key: new Key(key), words: word ? [...words, word] : words, filters: [...filters, ...more] })
  }
  if (words.length > 0 && !/[\r\n]/.test(text)) add(text, undefined)
  const meant = rawKeyMeant(text)
  if (meant !== undefined && !/^x'[^']*'$/i.test(text.trim())) {
    add(meant, `written exactly as x'<its ${meant.length - 3} hex digits>'`, 'tr -cd 0-9A-Fa-f', QUOTE)
  }
  const [, digits = ''] = /^x'([0-9a-f]{64}|[0-9a-f]{96})'$/i.exec(text) ?? []
  if (digits.length === 96) {
    const first = `sed "s/^\\(..[0-9A-Fa-f]\\{64\\}\\).*/\\1'/"`
    add(`x'${digits.slice(0, 64)}'`, 'with the first 64 of its digits', first)
  }
  if (digits)
    addCases(digits, 'as a passphrase, without the x and the quotes around its digits', `tr -d "xX'"`)
  const hex = text.replace(/[\s:-]/g, '').replace(/^0x/i, '')
  if (/^(?:[0-9a-f]{64}|[0-9a-f]{96})$/i.test(hex)) {
    const clean = [
      ...(/[\s:-]/.test(text) ? ["tr -d ' \\t\\n\\r:-'"] : []),
      ...(/^0x/i.test(text) ? ["sed 's/^0[xX]//'"] : []),
    ]
    add(`x'${hex}'`, `as a raw key, written x'<its ${hex.length} hex digits>'`, ...clean, QUOTE)
    if (clean.length === 0) addCases(text, undefined)
  }
  const bytes = /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : Buffer.from(text)
  if (bytes.length === 32) {
    const isText = bytes.toString() === text
    const decode = isText ? [] : /^[A-Za-z0-9+/]{43}=$/.test(text) ? ['base64 -d'] : [undefined]
    const whose = isText ? 'its bytes' : 'its bytes, decoded from base64'
    // A line that a source prints ends with a newline, which is not part of the key.
    const whole = isText ? ["tr -d '\\n'"] : []
    add(
      rawKeyLiteral(bytes),
      `as a raw key, written x'<the 64 hex digits of ${whose}>'`,
      ...whole,
      ...decode,
      HEX,
      ...AS_RAW,
    )
  }
  return found

  /** Adds a passphrase of hex digits, as it is and in either case. */
  function addCases(passphrase: string, word: string | undefined, ...more: string[]): void {
    const lower = passphrase.toLowerCase()
    const upper = passphrase.toUpperCase()
    const both = (other: string) => [word, other].filter(Boolean).join(' and ')
    if (word) add(passphrase, word, ...more)
    if (lower !== passphrase) add(lower, both('with its digits in lower case'), ...more, 'tr A-F a-f')
    if (upper !== passphrase) add(upper, both('with its digits in upper case'), ...more, 'tr a-f A-F')
  }
}
