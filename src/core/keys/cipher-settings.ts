/** The hash functions that SQLCipher can use. */
export const HASHES = ['sha512', 'sha256', 'sha1'] as const
export type Hash = (typeof HASHES)[number]

/** The encryption settings of a file that SQLCipher lets one choose, named after its pragmas. */
export interface CipherSettings {
  /** Bytes, a power of two from 512 to 65,536. */
  pageSize: number
  /** Rounds of PBKDF2 from a passphrase to the key; ignored for a raw key. */
  kdfIter: number
  kdfAlgorithm: Hash
  /** The function that authenticates each page; null when none does. */
  hmacAlgorithm: Hash | null
  /** Bytes at the start of the file that are not encrypted. */
  plaintextHeader: number
  /** 16 bytes, hex, for a file that does not begin with its salt. */
  salt?: string | undefined
}

/** The derivation of a key from a passphrase. */
export type Derivation = Pick<CipherSettings, 'kdfIter' | 'kdfAlgorithm'>

export const PAGE_SIZES = [4096, 1024, 512, 2048, 8192, 16_384, 32_768, 65_536] as const

/** The default settings of SQLCipher 4. */
export const SQLCIPHER_4: CipherSettings = {
  pageSize: 4096,
  kdfIter: 256_000,
  kdfAlgorithm: 'sha512',
  hmacAlgorithm: 'sha512',
  plaintextHeader: 0,
}

const SQLCIPHER_3: CipherSettings = {
  pageSize: 1024,
  kdfIter: 64_000,
  kdfAlgorithm: 'sha1',
  hmacAlgorithm: 'sha1',
  plaintextHeader: 0,
}
const SQLCIPHER_2: CipherSettings = { ...SQLCIPHER_3, kdfIter: 4_000 }

/** The default settings of each SQLCipher version. */
export const FORMATS = {
  4: SQLCIPHER_4,
  3: SQLCIPHER_3,
  2: SQLCIPHER_2,
  1: { ...SQLCIPHER_2, hmacAlgorithm: null } as CipherSettings,
} as const

/** Returns every setting by the name of its pragma, in the order in which SQLCipher needs them. */
export function cipherPragmas(settings: CipherSettings): Record<string, string> {
  const { pageSize, kdfIter, kdfAlgorithm, hmacAlgorithm, plaintextHeader, salt } = settings
  return {
    kdf_iter: String(kdfIter),
    cipher_kdf_algorithm: `PBKDF2_HMAC_${kdfAlgorithm.toUpperCase()}`,
    cipher_use_hmac: hmacAlgorithm === null ? 'OFF' : 'ON',
    ...(hmacAlgorithm === null ? {} : { cipher_hmac_algorithm: `HMAC_${hmacAlgorithm.toUpperCase()}` }),
    // After the settings that decide how much of a page is left for SQLite, which rejects less than 480
    // bytes.
    cipher_page_size: String(pageSize),
    cipher_plaintext_header_size: String(plaintextHeader),
    ...(salt === undefined ? {} : { cipher_salt: `"x'${salt}'"` }),
  }
}

/**
 * Describes the settings that differ from SQLCipher 4's, in words: `cipher_page_size 1024 (4096 by default)`.
 */
export function describeSettings(settings: CipherSettings, isRaw: boolean): string {
  const usual = cipherPragmas(SQLCIPHER_4)
  const own = cipherPragmas(settings)
  return Object.entries(own)
    .filter(
      ([name, value]) => value !== usual[name] && name !== 'cipher_salt' && !(isRaw && name === 'kdf_iter'),
    )
    .map(([name, value]) => `${name} ${value} (${usual[name]} by default)`)
    .join(', ')
}
