import { defaultKeyFile } from '../core/database/location.ts'
import type { NewKey } from '../core/database/new-key.ts'
import { AppError } from '../core/errors.ts'
import { exists } from '../core/files/file-facts.ts'
import { generateKey, type Key } from '../core/keys/key.ts'
import { generateKeyFile, settleKeyFile, tidyKeyFile } from '../core/keys/key-file.ts'
import type { KeySource } from '../core/keys/key-source.ts'
import { storeProven } from '../core/keys/keychain.ts'
import type { Context } from './context.ts'

/** The chosen key for a database, and where the user will find it. */
export interface ChosenKey {
  newKey: NewKey
  /** The key file that was generated. */
  keyFile: string | null
  /** True when the key is stored in the keychain. */
  inKeychain: boolean
  source: KeySource
}

/** The names of the options for the new key; `init` and `encrypt` use the key options themselves. */
export interface NewKeyOptions {
  source: KeySource | undefined
  generate: boolean
  fileFlag: string
  question: string
  hint: string
}

/** Determines the key for a database: from the named source, generated, or as the user chooses. */
export async function chooseNewKey(ctx: Context, options: NewKeyOptions): Promise<ChosenKey> {
  const { source, generate, fileFlag } = options
  if (source?.kind === 'keychain') return inKeychain(ctx)
  if (generate) return generated(ctx, source?.kind === 'file' ? source.path : undefined, fileFlag)
  if (source?.kind === 'file') await tidyKeyFile(source.path)
  if (source) return fromSource(ctx, source)
  ctx.requirePerson(options.question, options.hint)
  const { hasKeychain } = await import('../core/keys/keychain.ts')
  const offerKeychain = await hasKeychain(ctx.host.env)
  const keyFile = await freeKeyFile(ctx)
  const protection = await ctx.askProtection(keyFile, offerKeychain)
  if (protection.kind === 'keychain') return inKeychain(ctx)
  if (protection.kind === 'key-file') return generated(ctx, keyFile, fileFlag)
  return fromSource(ctx, { kind: 'typed', text: protection.passphrase })
}

/** Returns the default path for a key file, or the first free name beside it: a key is never overwritten. */
async function freeKeyFile(ctx: Context): Promise<string> {
  const usual = defaultKeyFile(ctx.host.env)
  for (let number = 1; ; number++) {
    const path = number === 1 ? usual : usual.replace(/\.key$/, `-${number}.key`)
    if (!(await exists(path))) return path
  }
}

function fromSource(ctx: Context, source: KeySource): ChosenKey {
  // Each call reads the source again, except standard input, which can be read once.
  const once = source.kind === 'file' && source.path === '-' ? ctx.readKeys(source) : undefined
  const read = async (): Promise<Key> => {
    const [key] = await (once ?? ctx.readKeys(source))
    if (!key) throw new Error('a key source gave no key')
    return key
  }
  const store = source.kind === 'file' && !once ? () => settleKeyFile(source.path) : undefined
  return { newKey: { read, store }, keyFile: null, inKeychain: false, source }
}

async function generated(ctx: Context, path: string | undefined, flag: string): Promise<ChosenKey> {
  if (path === undefined || path === '-') {
    throw new AppError('USAGE', '--generate-key stores the new key in a file, and none is named', {
      hint: `add ${flag} <path>`,
    })
  }
  const made = await generateKeyFile(path, ctx.path)
  const { newKey, source } = fromSource(ctx, { kind: 'file', path: made.path })
  return { newKey: { ...newKey, discard: made.discard }, keyFile: made.path, inKeychain: false, source }
}

/** Generates a key for the keychain, after checking that the keychain works, before anything else is done. */
async function inKeychain(ctx: Context): Promise<ChosenKey> {
  const keychain = await ctx.keychain()
  await keychain.get(Buffer.alloc(16))
  const key = await generateKey()
  let entry: Buffer | undefined
  const newKey: NewKey = {
    read: async () => key,
    store: async (_key, salt) => {
      entry = salt
      await storeProven(keychain, salt, await key.literal(salt))
    },
    discard: async () => {
      if (entry) await keychain.delete(entry).catch(() => {})
    },
  }
  return { newKey, keyFile: null, inKeychain: true, source: { kind: 'keychain' } }
}
