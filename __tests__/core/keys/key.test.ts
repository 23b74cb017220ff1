import { inspect } from 'node:util'
import { developmentKeys, Key, parseKey } from '../../../src/core/keys/key.ts'

const bytes = (text: string) => Buffer.from(text)
const HEX_64 = 'ab'.repeat(32)

test.each([
  ['a passphrase', 'hunter 2', 'hunter 2'],
  ['one newline at the end, which is dropped', 'hunter 2\n', 'hunter 2'],
  ['a Windows newline at the end, which is dropped', 'hunter 2\r\n', 'hunter 2'],
  ['quotes and spaces, which are kept', ` it's "so" `, ` it's "so" `],
  ['64 hex digits without x and quotes, which are a passphrase', HEX_64, HEX_64],
])('a key may be %s', async (_case, input, passphrase) => {
  const salt = Buffer.alloc(16, 1)
  expect(await parseKey(bytes(input), 'it').literal(salt)).toBe(await new Key(passphrase).literal(salt))
})

test.each([
  ['is empty', ''],
  ['is empty', '\n'],
  ['has more than one line', 'one\ntwo'],
  ['has more than one line', 'one\n\n'],
  ['begins with a byte-order mark', '\uFEFFone'],
  ['contains a NUL byte', 'o\0ne'],
  ['holds a raw key of 63 hex digits', `x'${HEX_64.slice(1)}'`],
  ['holds a raw key of 65 hex digits', `x'${HEX_64}0'`],
  ['looks like a raw key but has other characters', `x'${HEX_64.slice(1)}g'`],
  ['holds a raw key of 63 hex digits', ` x'${HEX_64.slice(1)}'`],
  ['holds a raw key with spaces or other quotes', `x'${HEX_64}' `],
  ['holds a raw key with spaces or other quotes', `\tx'${HEX_64}'\n`],
  ['holds a raw key with spaces or other quotes', `"x'${HEX_64}'"`],
  ['holds a raw key with spaces or other quotes', `x"${HEX_64}${HEX_64.slice(32)}"`],
  ['holds a raw key with spaces or other quotes', `X'${HEX_64}`],
  ['holds a raw key with spaces or other quotes', `x'${HEX_64.slice(32)} ${HEX_64.slice(32)}'`],
])('a key is refused when it %s', (problem, input) => {
  const refused = () => parseKey(bytes(input), 'the key file k')
  expect(refused).toThrow(expect.objectContaining({ code: 'KEY_SOURCE' }))
  expect(refused).toThrow(`the key file k ${problem}`)
})

test('bytes that are not UTF-8 are refused, not replaced', () => {
  expect(() => parseKey(Buffer.from([0xff, 0xfe, 0x41]), 'it')).toThrow('is not UTF-8')
})

test.each([64, 96])('a raw key of %d hex digits is taken as it is, in either case', async (digits) => {
  const hex = 'AB'.repeat(digits / 2)
  const key = parseKey(bytes(`X'${hex}'\n`), 'it')
  expect(key.isRaw).toBe(true)
  expect(await key.literal(Buffer.alloc(16))).toBe(`x'${hex.toLowerCase()}'`)
})

test('a passphrase is derived once for a salt, however many ask', async () => {
  const key = new Key('slow')
  const salt = Buffer.alloc(16, 7)
  expect(key.literal(salt)).toBe(key.literal(salt))
  expect(await key.literal(salt)).not.toBe(await key.literal(Buffer.alloc(16, 8)))
})

test('the derivation is the one that SQLCipher 4 uses', async () => {
  // PBKDF2-HMAC-SHA512, 256,000 rounds, computed by Python's hashlib for this passphrase and salt.
  expect(await new Key('password').literal(Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'))).toBe(
    "x'f1dbedd27b9bf994e77a761b2036013a9afffee39393117a94360af8902e1f7e'",
  )
})

test('a key shows itself to no one', () => {
  const key = new Key('canary-7f3a')
  expect(
    `${key} ${JSON.stringify({ key })} ${inspect({ key }, { depth: 9, showHidden: true })}`,
  ).not.toContain('canary')
})

test('the development key has its two readings', () => {
  expect(developmentKeys().map((key) => key.isRaw)).toEqual([true, false])
})
