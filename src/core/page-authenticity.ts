import { createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

const PAGE = 4096
/** What SQLCipher 4 keeps at the end of a page: 16 bytes to begin the encryption with, 64 that authenticate the rest. */
const MAC = 64
const SALT = 16
/** The key that authenticates is derived from the key that encrypts, with the salt changed in every byte. */
const SALT_MASK = 0x3a
const ROUNDS = 2

/**
 * A check of single pages under a raw key (`x'<64 or 96 hex digits>'`) and the salt of the file. It returns true when
 * the page of 4,096 bytes is the one that was written as page `number`, counted from 1. The format is SQLCipher 4's
 * with its default settings.
 */
export function createPageCheck(literal: string, salt: Buffer): (page: Buffer, number: number) => boolean {
  const key = Buffer.from(literal.slice(2, 66), 'hex')
  const masked = salt.map((byte) => byte ^ SALT_MASK)
  const macKey = pbkdf2Sync(key, masked, ROUNDS, 32, 'sha512')
  return (page, number) => {
    if (page.length !== PAGE || number < 1) return false
    const place = Buffer.alloc(4)
    place.writeUInt32LE(number)
    // The first page begins with the salt, which is not encrypted.
    const covered = page.subarray(number === 1 ? SALT : 0, PAGE - MAC)
    const mac = createHmac('sha512', macKey).update(covered).update(place).digest()
    return timingSafeEqual(mac, page.subarray(PAGE - MAC))
  }
}
