import { type CipherSettings, type Derivation, HASHES, PAGE_SIZES, SQLCIPHER_4 } from './cipher-settings.ts'
import type { Key } from './key.ts'
import { createPageCheck } from './page-authenticity.ts'

/** The settings with which a key opens a file. */
export interface FoundSettings {
  /** The key as given, and as SQLCipher's raw-key literal. */
  key: Key
  literal: string
  settings: CipherSettings
  /** False when the first page is damaged and another one matches. */
  firstPage: boolean
}

const ROUNDS = [256_000, 64_000, 4_000, 1] as const
/** The number of pages to check: the first, and some that follow. */
const MOST_PAGES = 4

/**
 * Finds the settings with which one of the keys opens a file, given `start`, its first bytes, up to 65,536.
 * The settings in `known` are used as given, the others are tried. Returns undefined when none of the
 * well-known ones matches. A passphrase takes one derivation for each function and number of rounds, less
 * than a second of processor time in all.
 */
export async function findCipherSettings(
  start: Buffer,
  keys: Key[],
  known: Partial<CipherSettings> = {},
): Promise<FoundSettings | undefined> {
  const stored = known.salt === undefined ? start.subarray(0, 16) : Buffer.from(known.salt, 'hex')
  for (const key of keys) {
    const salt = key.salt ?? stored
    const literals = await Promise.all(
      derivations(key, known).map(async (derivation) => ({
        derivation,
        literal: await key.derived(salt, derivation),
      })),
    )
    for (const { derivation, literal } of literals) {
      const found = fittingLayout(start, literal, salt, derivation, known)
      if (found) return { key, literal, ...found }
    }
  }
  return undefined
}

function derivations(key: Key, { kdfIter, kdfAlgorithm }: Partial<CipherSettings>): Derivation[] {
  const rounds = kdfIter !== undefined ? [kdfIter] : key.isRaw ? [SQLCIPHER_4.kdfIter] : ROUNDS
  return (kdfAlgorithm ? [kdfAlgorithm] : HASHES).flatMap((one) =>
    rounds.map((number) => ({ kdfAlgorithm: one, kdfIter: number })),
  )
}

/** Returns the page layout that matches under a key that may be right. */
function fittingLayout(
  start: Buffer,
  literal: string,
  salt: Buffer,
  derivation: Derivation,
  known: Partial<CipherSettings>,
): Pick<FoundSettings, 'settings' | 'firstPage'> | undefined {
  const hmacs = known.hmacAlgorithm === undefined ? [...HASHES, null] : [known.hmacAlgorithm]
  for (const pageSize of known.pageSize ? [known.pageSize] : PAGE_SIZES) {
    for (const hmacAlgorithm of hmacs) {
      const layout = { pageSize, hmacAlgorithm, plaintextHeader: known.plaintextHeader ?? 0 }
      const settings = { ...derivation, ...layout, salt: known.salt }
      const fits = createPageCheck(literal, salt, settings)
      for (let number = 1; number <= MOST_PAGES && number * pageSize <= start.length; number++) {
        if (fits(start.subarray((number - 1) * pageSize, number * pageSize), number))
          return { settings, firstPage: number === 1 }
      }
    }
  }
  return undefined
}
