import { inspect, promisify } from 'node:util'
import type { Hint } from '../advice.ts'
import { AppError } from '../errors.ts'
import type { Derivation } from './cipher-settings.ts'

/** The derivation of SQLCipher 4. */
const USUAL: Derivation = { kdfIter: 256_000, kdfAlgorithm: 'sha512' }

/**
 * The key from the document of Phase 2.1, 32 ASCII bytes written as 64 hex digits. It is public: it protects
 * nothing.
 */
const DEVELOPMENT_KEY = Buffer.from('libre_ollama_dev_key_2024_phase2').toString('hex')

/** A passphrase or a raw key. It never reveals itself: printing, JSON and inspection all give `[key]`. */
export class Key {
  readonly #text: string
  readonly #derived = new Map<string, Promise<string>>()

  constructor(text: string) {
    this.#text = text
  }

  /** True when this is a raw key, so that nothing has to be derived. */
  get isRaw(): boolean {
    return RAW_KEY.test(this.#text)
  }

  /**
   * Returns the key as SQLCipher's raw-key literal (`x'<hex>'`) for a file with this salt (its first 16
   * bytes). A passphrase is derived once for each salt, however many connections ask.
   */
  literal(salt: Buffer): Promise<string> {
    return this.derived(salt, USUAL)
  }

  /** Returns the same literal for a file that derives passphrases in another way. */
  derived(salt: Buffer, derivation: Derivation): Promise<string> {
    if (this.isRaw) return Promise.resolve(this.#text.toLowerCase())
    const id = `${derivation.kdfAlgorithm}:${derivation.kdfIter}:${salt.toString('hex')}`
    const known = this.#derived.get(id)
    if (known) return known
    const derived = derive(this.#text, salt, derivation)
    this.#derived.set(id, derived)
    return derived
  }

  /** The salt that a raw key of 96 digits contains. */
  get salt(): Buffer | undefined {
    return this.#text.length === 96 + 3 && this.isRaw
      ? Buffer.from(this.#text.slice(66, 98), 'hex')
      : undefined
  }

  /**
   * Returns 16 hex digits that distinguish keys and do not help to find one: those of the raw key, which for
   * a passphrase is first derived for this salt.
   */
  async fingerprint(salt: Buffer): Promise<string> {
    const { createHash } = await import('node:crypto')
    const raw = (await this.literal(salt)).slice(2, 66)
    return createHash('sha256').update(`libreollama-db key ${raw}`).digest('hex').slice(0, 16)
  }

  /** Returns true when this is the same passphrase or raw key. */
  equals(other: Key): boolean {
    return this.#text === other.#text
  }

  /** Passes the text to `make` and returns the result, such as other spellings of this key. */
  respell<T>(make: (text: string) => T): T {
    return make(this.#text)
  }

  toString(): string {
    return '[key]'
  }

  toJSON(): string {
    return '[key]'
  }

  [inspect.custom](): string {
    return '[key]'
  }
}

async function derive(
  passphrase: string,
  salt: Buffer,
  { kdfIter, kdfAlgorithm }: Derivation,
): Promise<string> {
  const { pbkdf2 } = await import('node:crypto') // takes 3 ms to load, which a raw key does not need
  return rawKeyLiteral(await promisify(pbkdf2)(passphrase, salt, kdfIter, 32, kdfAlgorithm))
}

const RAW_KEY = /^x'(?:[0-9a-f]{64}|[0-9a-f]{96})'$/i

/**
 * Formats 32 bytes (a key) or 48 (a key and its salt) as the literal that SQLCipher uses without deriving:
 * `x'<hex>'`.
 */
export function rawKeyLiteral(bytes: Buffer): string {
  return `x'${bytes.toString('hex')}'`
}

/** Generates a random raw key of 256 bits. */
export async function generateKey(): Promise<Key> {
  const { randomBytes } = await import('node:crypto')
  return new Key(rawKeyLiteral(randomBytes(32)))
}

/** Returns the literal of a key together with the salt for a new file. */
export function withSalt(literal: string, salt: Buffer): string {
  return literal.length === 64 + 3 ? `${literal.slice(0, -1)}${salt.toString('hex')}'` : literal
}

/**
 * Returns the two readings of the development key that exist in the wild: as raw bytes, and as a passphrase
 * of 64 digits.
 */
export function developmentKeys(): Key[] {
  return [new Key(`x'${DEVELOPMENT_KEY}'`), new Key(DEVELOPMENT_KEY)]
}

/**
 * The error for bytes that are not a key; holds them, without showing them, to detect what the user meant.
 */
export class RefusedKey extends AppError {
  readonly #bytes: Uint8Array

  constructor(message: string, hint: Hint, bytes: Uint8Array) {
    super('KEY_SOURCE', message, { hint })
    this.#bytes = bytes
  }

  /** Passes the bytes to `make` and returns the result. */
  respell<T>(make: (bytes: Uint8Array) => T): T {
    return make(this.#bytes)
  }
}

/**
 * Returns the raw key that a text means when it writes one with spaces or other quotes; undefined for all
 * other text.
 */
export function rawKeyMeant(text: string): string | undefined {
  const quoted = text.replace(/[\s\u200b\ufeff]/g, '').replace(/["“”‘’′`]/g, "'")
  const [, digits] = /^'?x'([0-9a-f]{64}|[0-9a-f]{96})'{0,2}$/i.exec(quoted) ?? []
  return digits === undefined ? undefined : `x'${digits}'`
}

/**
 * Parses a key from the bytes of `origin` (words for messages, such as `the key file k.txt`). Drops exactly
 * one newline at the end. Throws KEY_SOURCE for anything that SQLCipher would silently treat as another key:
 * an empty one, two lines, a byte-order mark, NUL, text that is not UTF-8, a raw key of the wrong length or
 * with spaces or other quotes around it.
 */
export function parseKey(bytes: Uint8Array, origin: string): Key {
  const refuse = (problem: string, hint: Hint): never => {
    throw new RefusedKey(`${origin} ${problem}`, hint, bytes)
  }
  const text = decode(bytes) ?? refuse('is not UTF-8 text', "a key is a passphrase, or x'<64 hex digits>'")
  const key = text.replace(/\r?\n$/, '')
  if (key === '') refuse('is empty', ['write the passphrase or raw key into it', { step: 'explain_keys' }])
  if (key.startsWith('\uFEFF')) refuse('begins with a byte-order mark', 'save it as UTF-8 without a BOM')
  if (/[\r\n]/.test(key))
    refuse('has more than one line', 'a key is one line; only one newline at its end is dropped')
  if (key.includes('\0'))
    refuse('contains a NUL byte', "use a passphrase without it, or a raw key x'<64 hex digits>'")
  const meant = rawKeyMeant(key)
  if (meant !== undefined && !RAW_KEY.test(key)) {
    refuse(
      'holds a raw key with spaces or other quotes in or around it',
      `write nothing but x'<${meant.length - 3} hex digits>' on one line`,
    )
  }
  if (/^x'.*'$/i.test(key.trim()) && !RAW_KEY.test(key.trim()))
    refuse(...rawKeyProblem(key.trim().slice(2, -1)))
  return new Key(key)
}

function rawKeyProblem(digits: string): [string, string] {
  const hint = "a raw key is x'<64 hex digits>', or 96 with its salt"
  return /^[0-9a-f]*$/i.test(digits)
    ? [`holds a raw key of ${digits.length} hex digits; it must have 64 or 96`, hint]
    : ['looks like a raw key but has other characters than hex digits', hint]
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
