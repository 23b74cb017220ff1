// Operations that create, print and change keys. A key that a database needs is there; no unneeded one is
// left.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { flags, MARK, makeDatabase, oneOf, writeKeys } from '../database.mjs'
import { KEYS } from '../look.mjs'
import { run } from '../program.mjs'
import { newDatabase } from './whole-files.mjs'

/** Returns the raw key of a key file, hex; undefined when there is no file, '' when it holds no key. */
function keyIn(path) {
  if (!existsSync(path)) return undefined
  return /^x'([0-9a-f]{64})'\n$/.exec(readFileSync(path, 'utf8'))?.[1] ?? ''
}

/** Defines a command that creates a complete new key file. */
const keyFile = (words, { make = async () => {}, holds } = {}) => ({
  modes: ['wal'],
  make,
  words: (folder) => words(folder),
  state: async (folder) => {
    const key = keyIn(join(folder, 'keys', 'new'))
    if (key === undefined) return 'before'
    if (key === '') return 'a key file without a key'
    return holds === undefined || key === holds ? 'after' : 'a key file with another key'
  },
  converged: [0, 13], // it already exists
})

/**
 * Defines a command with --generate-key: after an interruption the key may exist already, and then the
 * message says to omit the option.
 */
const generating = (operation) => ({
  ...operation,
  again: (folder) => operation.words(folder).filter((word) => word !== '--generate-key' || !wasMade(folder)),
  made: ['new'],
})

const wasMade = (folder) => existsSync(join(folder, 'new'))

const atNewKey = (folder) => keyIn(join(folder, 'new')) || undefined

export default {
  'key generate': keyFile((folder) => [
    'key',
    'generate',
    '--key-file',
    join(folder, 'keys', 'new'),
    '--json',
  ]),
  'key import': keyFile(
    (folder) => ['key', 'import', join(folder, 'sheet'), ...flags(folder, join('keys', 'new'))],
    {
      make: async (folder) => {
        await makeDatabase(folder, 'delete')
        await run(['key', 'export', '--paper', '--out', join(folder, 'sheet'), ...flags(folder)])
      },
      holds: KEYS.one,
    },
  ),
  'key export': {
    modes: ['wal'],
    make: (folder, mode) => makeDatabase(folder, mode),
    words: (folder) => ['key', 'export', '--paper', '--out', join(folder, 'sheet'), ...flags(folder)],
    state: async (folder) => {
      const path = join(folder, 'sheet')
      if (!existsSync(path)) return 'before'
      const lines = readFileSync(path, 'utf8').match(/^ {2}\d: {2}[0-9a-f]{4} [0-9a-f]{4} {3}[0-9a-f]{4}$/gm)
      const digits = (lines ?? []).map((line) => line.slice(6, 15).replace(' ', '')).join('')
      return digits === KEYS.one ? 'after' : 'half a key sheet'
    },
    converged: [0, 18], // it already exists
  },
  'init --generate-key': generating({
    modes: ['wal'],
    make: async () => {},
    words: (folder) => [
      'init',
      '--db',
      join(folder, 'deep', 'er', 'c.db'),
      '--key-file',
      join(folder, 'new'),
      '--generate-key',
      '--json',
    ],
    state: async (folder) => newDatabase(folder, atNewKey(folder), join(folder, 'deep', 'er', 'c.db')),
  }),
  'rekey --generate-key': generating({
    make: async (folder, mode) => {
      await makeDatabase(folder, mode)
      rmSync(join(folder, 'two'))
    },
    words: (folder) => ['rekey', '--generate-key', '--new-key-file', join(folder, 'new'), ...flags(folder)],
    state: (folder) => oneOf(folder, { before: ['v2', 'one'], ...after(folder, 'v2') }),
  }),
  'encrypt --remove-plaintext': generating({
    make: (folder, mode) => makeDatabase(folder, mode, 2, null),
    words: (folder) => ['encrypt', '--generate-key', '--remove-plaintext', ...flags(folder, 'new')],
    state: (folder) => oneOf(folder, { before: ['v2', null], ...after(folder, 'v2') }),
    converged: [0, 6], // it is already encrypted
    plaintext: MARK,
    mayHold: /^$/,
  }),
  'encrypt --from': generating({
    modes: ['wal'],
    make: async (folder, mode) => {
      await makeDatabase(folder, mode, 2, null)
      writeKeys(folder)
    },
    words: (folder) => [
      'encrypt',
      '--generate-key',
      '--from',
      join(folder, 'c.db'),
      '--remove-plaintext',
      '--db',
      join(folder, 'e.db'),
      '--key-file',
      join(folder, 'new'),
      '--json',
    ],
    state: async (folder) => {
      const hasPlaintext = existsSync(join(folder, 'c.db'))
      const plaintext = hasPlaintext ? await oneOf(folder, { fine: ['v2', null] }) : 'gone'
      if (!existsSync(join(folder, 'e.db')))
        return plaintext === 'fine' ? 'before' : `the plaintext is ${plaintext}`
      return oneOf(folder, after(folder, 'v2'), 'e.db')
    },
    converged: [0, 6],
    plaintext: MARK,
    mayHold: /^c\.db/, // until it is removed it is the user's own file
  }),
}

const after = (folder, version) => {
  const key = atNewKey(folder)
  return key === undefined ? {} : { after: [version, key] }
}
