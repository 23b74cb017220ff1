import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { type CipherSettings, type Hash, SQLCIPHER_4 } from './cipher-settings.ts'

/**
 * The bytes at the end of a page: the initialization vector of its encryption, then its authentication code.
 */
const IV = 16
const MAC: Record<Hash, number> = { sha512: 64, sha256: 32, sha1: 20 }
const SALT = 16
/**
 * The authentication key is derived from the encryption key, with every byte of the salt changed by this
 * mask.
 */
const SALT_MASK = 0x3a
const MAC_ROUNDS = 2

/**
 * Creates a check of single pages under a raw key (`x'<64 or 96 hex digits>'`) and the salt of the file. The
 * check returns true when the page is the one that was written as page `number`, counted from 1. When the
 * pages are not authenticated, only the first one can be distinguished from noise.
 */
export function createPageCheck(
  literal: string,
  salt: Buffer,
  settings: CipherSettings = SQLCIPHER_4,
): (page: Buffer, number: number) => boolean {
  const { pageSize, hmacAlgorithm, kdfAlgorithm, plaintextHeader } = settings
  const key = Buffer.from(literal.slice(2, 66), 'hex')
  const encryptedFrom = (number: number) => (number === 1 ? plaintextHeader || SALT : 0)
  if (hmacAlgorithm === null) {
    return (page, number) => number === 1 && page.length === pageSize && isHeader(page, key, encryptedFrom(1))
  }
  const mac = MAC[hmacAlgorithm]
  const end = pageSize - reservedBytes(mac)
  const masked = salt.map((byte) => byte ^ SALT_MASK)
  const macKey = pbkdf2Sync(key, masked, MAC_ROUNDS, 32, kdfAlgorithm)
  return (page, number) => {
    if (page.length !== pageSize || number < 1) return false
    const place = Buffer.alloc(4)
    place.writeUInt32LE(number)
    const covered = page.subarray(encryptedFrom(number), end + IV)
    const found = createHmac(hmacAlgorithm, macKey).update(covered).update(place).digest()
    return timingSafeEqual(found, page.subarray(end + IV, end + IV + mac))
  }
}

/** Returns the bytes reserved at the end of a page, in whole blocks of the cipher. */
function reservedBytes(mac: number): number {
  return Math.ceil((IV + mac) / IV) * IV
}

/** Returns true when the first page decrypts to what SQLite writes into the header of each file. */
function isHeader(page: Buffer, key: Buffer, from: number): boolean {
  const cipher = createDecipheriv('aes-256-cbc', key, page.subarray(-IV)).setAutoPadding(false)
  const header = Buffer.concat([page.subarray(0, from), cipher.update(page.subarray(from, from + 96))])
  const fractions = header.subarray(21, 24).equals(Buffer.from([64, 32, 32]))
  // 0 before the first table is created.
  const encoding = header.readUInt32BE(56)
  return fractions && encoding <= 3 && header.subarray(72, 92).every((byte) => byte === 0)
}
