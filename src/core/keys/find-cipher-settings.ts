import { type CipherSettings, type Derivation, HASHES, PAGE_SIZES, SQLCIPHER_4 } from './cipher-settings.ts'
import type { Key } from './key.ts'
import { createPageCheck } from './page-authenticity.ts'

/** Settings under which a key fits a file. */
export interface FoundSettings {
  /** The key as it was given, and as SQLCipher's raw-key literal. */
  key: Key
  literal: string
  settings: CipherSettings
  /** False when the first page is damaged and another one fits. */
  firstPage: boolean
}

const ROUNDS = [256_000, 64_000, 4_000, 1] as const
/** Pages that are looked at: the first, and some that follow. */
const MOST_PAGES = 4

/**
 * The settings under which one of the keys fits a file, of which `start` is the beginning, up to 65,536
 * bytes; those of `known` are taken, the others tried. Undefined when none of the well-known ones fits. A
 * passphrase takes one derivation for each function and number of rounds, less than a second of processor
 * time in all.
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

/** The layout of the pages under a key that may be right. */
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
