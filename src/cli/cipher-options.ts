import { type Command, InvalidArgumentError, Option } from 'commander'
import { AppError } from '../core/errors.ts'
import { type CipherSettings, HASHES, type Hash, PAGE_SIZES } from '../core/keys/cipher-settings.ts'

/** The options for the encryption settings of a file, as given. */
export interface CipherOptions {
  cipherPageSize?: number
  cipherKdfIter?: number
  cipherKdfAlgorithm?: Hash
  cipherHmac?: 'on' | 'off'
  cipherHmacAlgorithm?: Hash
  cipherSalt?: string
  cipherPlaintextHeader?: number
}

/**
 * Adds the options for a file whose encryption settings are not the defaults of SQLCipher 4; settings that
 * are not given are detected.
 */
export function cipherOptions(command: Command): Command {
  return command
    .option('--cipher-page-size <bytes>', 'page size of the file, a power of two from 512 to 65536', pageSize)
    .option('--cipher-kdf-iter <n>', 'rounds of PBKDF2 from the passphrase to the key', wholeFrom(1))
    .addOption(new Option('--cipher-kdf-algorithm <hash>', 'function of this derivation').choices(HASHES))
    .addOption(
      new Option('--cipher-hmac <state>', 'whether the pages are authenticated').choices(['on', 'off']),
    )
    .addOption(
      new Option('--cipher-hmac-algorithm <hash>', 'function that authenticates them').choices(HASHES),
    )
    .option('--cipher-salt <hex>', 'salt of a file that does not begin with it, 32 hex digits', salt)
    .option('--cipher-plaintext-header <bytes>', 'bytes at the start that are not encrypted', header)
}

/** Returns the given settings. Throws USAGE when two of them exclude each other. */
export function readCipherSettings(options: CipherOptions): Partial<CipherSettings> {
  const { cipherPageSize, cipherKdfIter, cipherKdfAlgorithm, cipherHmac, cipherHmacAlgorithm } = options
  const { cipherSalt, cipherPlaintextHeader } = options
  if (cipherHmac === 'off' && cipherHmacAlgorithm) {
    throw new AppError('USAGE', '--cipher-hmac off and --cipher-hmac-algorithm at once', {
      hint: 'keep one of them',
    })
  }
  const hmacAlgorithm = cipherHmac === 'off' ? null : cipherHmacAlgorithm
  return {
    ...(cipherPageSize === undefined ? {} : { pageSize: cipherPageSize }),
    ...(cipherKdfIter === undefined ? {} : { kdfIter: cipherKdfIter }),
    ...(cipherKdfAlgorithm === undefined ? {} : { kdfAlgorithm: cipherKdfAlgorithm }),
    ...(hmacAlgorithm === undefined ? {} : { hmacAlgorithm }),
    ...(cipherSalt === undefined ? {} : { salt: cipherSalt.toLowerCase() }),
    ...(cipherPlaintextHeader === undefined ? {} : { plaintextHeader: cipherPlaintextHeader }),
  }
}

function pageSize(text: string): number {
  const size = PAGE_SIZES.find((one) => String(one) === text)
  if (size === undefined) throw new InvalidArgumentError('It must be a power of two from 512 to 65536.')
  return size
}

const wholeFrom = (low: number) => (text: string) => {
  if (!/^\d{1,9}$/.test(text) || Number(text) < low)
    throw new InvalidArgumentError(`It must be a whole number from ${low}.`)
  return Number(text)
}

function salt(text: string): string {
  if (!/^[0-9a-f]{32}$/i.test(text)) throw new InvalidArgumentError('It must be 32 hex digits.')
  return text
}

function header(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) % 16 !== 0 || Number(text) > 96)
    throw new InvalidArgumentError('It must be a multiple of 16 from 0 to 96; 32 is usual.')
  return Number(text)
}
