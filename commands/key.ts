import { resolve } from 'node:path'
import type { Context } from '../src/cli/context.ts'
import { readText } from '../src/cli/input.ts'
import type { View } from '../src/cli/output/view.ts'
import { type KeyStatus, keyStatus, saltOf } from '../src/core/checks/key-status.ts'
import { opensWith, withDatabase } from '../src/core/database/database.ts'
import { AppError, exitCodeOf, explainSystemError } from '../src/core/errors.ts'
import { createWholeFile } from '../src/core/files/durable-file.ts'
import { exists } from '../src/core/files/file-facts.ts'
import { ownerFor } from '../src/core/files/owner.ts'
import { describeTaken } from '../src/core/files/symlinks.ts'
import type { Key } from '../src/core/keys/key.ts'
import { generateKeyFile, writeKeyFile } from '../src/core/keys/key-file.ts'
import { readKeySheet, writeKeySheet } from '../src/core/keys/key-sheet.ts'
import { hasKeychain, keychainError, storeProven } from '../src/core/keys/keychain.ts'
import { formatTimestamp } from '../src/core/timestamp.ts'
import type { Define } from './_define.ts'

type Status = KeyStatus & { source: string }

const statusView: View<Status> = {
  fields: ['path', 'source', 'fingerprint', 'opens', 'keychain', 'salt', 'recovered'],
  text: ({ path, source, fingerprint, opens, keychain, recovered }, style) =>
    [
      `database     ${path}`,
      `key from     ${source}`,
      `fingerprint  ${fingerprint}`,
      `opens it     ${opens ? style.good('yes') : style.bad('no')}`,
      `keychain     ${{ stored: 'has a key for it', empty: 'has no key for it', unavailable: 'cannot be used here' }[keychain]}`,
      ...recovered.map(({ operation, outcome }) => `interrupted  ${operation}, now ${outcome}`),
      '',
    ].join('\n'),
}

interface Place {
  /** The key file that was written. */
  key_file: string | null
  /** The name of the entry in the keychain. */
  keychain: string | null
  fingerprint: string | null
}

const placeView: View<Place> = {
  fields: ['key_file', 'keychain', 'fingerprint'],
  done: ({ key_file, keychain }) =>
    key_file
      ? `the key file ${key_file} was made`
      : `the key is in the keychain as libreollama-db/${keychain}`,
  text: ({ key_file, keychain }) =>
    key_file ? `key file: ${key_file}\n` : `stored in the keychain as libreollama-db/${keychain}\n`,
}

const testView: View<{ opens: boolean; source: string; fingerprint: string }> = {
  fields: ['opens', 'source', 'fingerprint'],
  text: ({ source, fingerprint }) => `the key opens the database: ${source}, fingerprint ${fingerprint}\n`,
}

const forgetView: View<{ forgotten: boolean; keychain: string }> = {
  fields: ['forgotten', 'keychain'],
  done: ({ forgotten, keychain }) =>
    forgotten ? `the keychain has forgotten libreollama-db/${keychain}` : undefined,
  text: ({ forgotten, keychain }) =>
    forgotten ? `forgotten: libreollama-db/${keychain}\n` : 'the keychain had no key for this database\n',
}

const sheetView: View<{ sheet: string; path: string | null }> = {
  fields: ['sheet', 'path'],
  done: ({ path }) => (path === null ? undefined : `the key sheet ${path} was written`),
  blocks: ['sheet'],
  text: ({ sheet, path }) => (path === null ? sheet : `${path}\n`),
}

const define: Define = (command, context) => {
  command
    .command('status')
    .description(
      'which key is used, whether it opens the database, what the keychain has; exit 3 when it does not open',
    )
    .action(async () => {
      const ctx = context()
      const print = ctx.printer(statusView)
      const keychain = (await hasKeychain(ctx.host.env)) ? await ctx.keychain() : undefined
      const status = await keyStatus(ctx.database, keychain)
      if (!status.opens) ctx.exitCode = exitCodeOf('CHECK_FAILED')
      if (status.spelling) {
        const hint = await ctx.spellingHint(status.spelling)
        ctx.warn(`the key would open it ${status.spelling.words}; ${hint}`)
      }
      await print({ ...status, source: ctx.keyOrigin })
    })

  command
    .command('test')
    .description('open the database with the key; fails with the reason when that does not work')
    .action(async () => {
      const ctx = context()
      const print = ctx.printer(testView)
      const { fingerprint } = await proven(ctx)
      await print({ opens: true, source: ctx.keyOrigin, fingerprint })
    })

  command
    .command('generate')
    .description('make a random 256-bit key and store it in a new file, --key-file')
    .action(async () => {
      const ctx = context()
      const print = ctx.printer(placeView)
      const { path } = await generateKeyFile(newKeyFile(ctx), ctx.path)
      await print({ key_file: path, keychain: null, fingerprint: null })
    })

  command
    .command('store')
    .description('put the key of the database into the keychain, after making sure that it opens it')
    .action(async () => {
      const ctx = context()
      const print = ctx.printer(placeView)
      await print(await storeInKeychain(ctx, await rawKey(ctx)))
    })

  command
    .command('forget')
    .description('remove the key of this database from the keychain')
    .action(async () => {
      const ctx = context()
      const print = ctx.printer(forgetView)
      const salt = await saltOf(ctx.path)
      const keychain = await ctx.keychain()
      const entry = salt.toString('hex')
      if ((await keychain.get(salt)) === null) return print({ forgotten: false, keychain: entry })
      await ctx.confirm('Without another copy of this key the database cannot be read. Forget it?')
      await keychain.delete(salt)
      if ((await keychain.get(salt)) !== null) throw keychainError('still has the key that was deleted')
      await print({ forgotten: true, keychain: entry })
    })

  command
    .command('export')
    .description('write the key down for paper: lines with a checksum each, which `key import` reads back')
    .requiredOption('--paper', 'the only form there is; it shows the key')
    .option('--out <path>', 'a new file for it, 0600; without it, it is printed')
    .action(async ({ out }: { out?: string }) => {
      const ctx = context()
      const print = ctx.printer(sheetView)
      const sheet = await keySheet(ctx)
      if (out !== undefined) {
        const owner = await ownerFor(resolve(out), ctx.path)
        await createWholeFile(resolve(out), sheet, owner).catch(refuseExisting(out))
      }
      await print({ sheet: out === undefined ? sheet : '', path: out === undefined ? null : resolve(out) })
    })

  command
    .command('import')
    .description('read a key back from its sheet into a new --key-file or the --keychain')
    .argument('<file>', 'the numbered lines as they were typed in; - is standard input')
    .action(async (file: string) => {
      const ctx = context()
      const print = ctx.printer(placeView)
      const key = readKeySheet(await readText(ctx.host, file, LARGEST_SHEET))
      const salt = (await exists(ctx.path)) ? await saltOf(ctx.path) : undefined
      if (salt && !(await opensWith(ctx.path, async () => [key]))) {
        throw new AppError('WRONG_KEY', `the key on the sheet does not open ${ctx.path}`, {
          hint: 'the lines are without a mistake: name the database that the sheet belongs to with --db <path>',
        })
      }
      if (ctx.options.keychain) return print(await storeInKeychain(ctx, key))
      const { path } = await writeKeyFile(newKeyFile(ctx), await key.literal(Buffer.alloc(0)), ctx.path)
      await print({
        key_file: path,
        keychain: null,
        fingerprint: salt ? await key.fingerprint(salt) : null,
      })
    })
}

/** Bytes; a sheet has fewer than one thousand. */
const LARGEST_SHEET = 65_536

/** Returns the key as raw bytes, after opening the database with it. */
async function rawKey(ctx: Context): Promise<Key> {
  const key = await withDatabase(ctx.database, async (db) => db.key)
  if (!key) throw new Error('an encrypted database opens with a key')
  return key
}

async function proven(ctx: Context): Promise<{ fingerprint: string }> {
  const key = await rawKey(ctx)
  return { fingerprint: await key.fingerprint(await saltOf(ctx.path)) }
}

async function storeInKeychain(ctx: Context, key: Key): Promise<Place> {
  const salt = await saltOf(ctx.path)
  await storeProven(await ctx.keychain(), salt, await key.literal(salt))
  return { key_file: null, keychain: salt.toString('hex'), fingerprint: await key.fingerprint(salt) }
}

/** Formats the key of the database as a sheet for paper. */
export async function keySheet(ctx: Context): Promise<string> {
  const key = await rawKey(ctx)
  const salt = await saltOf(ctx.path)
  return writeKeySheet(Buffer.from((await key.literal(salt)).slice(2, 66), 'hex'), {
    database: ctx.path,
    fingerprint: await key.fingerprint(salt),
    printed: formatTimestamp(ctx.host.now()),
    restore: 'libreollama-db key import <that file> --key-file <new key file>',
  })
}

function newKeyFile(ctx: Context): string {
  const source = ctx.keySource
  if (source?.kind === 'file' && source.path !== '-') return source.path
  throw new AppError('USAGE', 'the key is stored in a file, and none is named', {
    hint: 'add --key-file <path>',
  })
}

function refuseExisting(path: string) {
  return async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw explainSystemError(error, resolve(path), 'output')
    throw new AppError('IO', await describeTaken(path), {
      hint: 'name another one with --out',
    })
  }
}

export default define
