import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Hint } from '../advice.ts'
import type { Environment } from '../environment.ts'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { readGivenFile, UnfitFile } from '../files/given-file.ts'
import { shellWord } from '../shell-word.ts'
import { developmentKeys, type Key, parseKey } from './key.ts'
import type { Keychain } from './keychain.ts'

/** The single source of a key, and the environment variable that named it, if one did. */
export type KeySource =
  | { kind: 'file'; path: string; variable?: string }
  | { kind: 'command'; command: string; variable?: string }
  | { kind: 'environment'; value: string }
  | { kind: 'development' }
  | { kind: 'keychain' }
  | { kind: 'prompt' }
  /** Text that the user has already typed. */
  | { kind: 'typed'; text: string }

/** The dependencies for reading a key; a file needs only `warn`. */
export interface KeyInput {
  /** Warns the user without stopping the work. */
  warn: (message: string) => void
  /** The environment of a key command; the key itself is withheld from it. */
  env?: Environment
  /**
   * Reads standard input when it is the key file: all of it, or its first bytes when it has more than a key
   * can have.
   */
  readStdin?: () => Promise<Uint8Array>
  /** Asks the user for the passphrase. */
  ask?: () => Promise<string>
  keychain?: Keychain
  /** The salt of the file to open: it identifies its entry in the keychain. */
  salt?: Buffer
  /** The target of a key command's own messages; `ignore` by default. */
  commandMessages?: 'inherit' | 'ignore'
}

/** Bytes; more than any passphrase: a larger file is a mistake. */
export const LARGEST_KEY = 65_536

const NO_KEY_HINT: Hint = { step: 'name_key' }

/** Reads the key from its source; more than one key only for the development key. Throws KEY_SOURCE. */
export async function readKeys(source: KeySource, input: KeyInput): Promise<Key[]> {
  switch (source.kind) {
    case 'file':
      return [await readKeyFile(source.path, input)]
    case 'command':
      return [await runKeyCommand(source.command, input)]
    case 'environment':
      return [parseKey(Buffer.from(source.value), 'the environment variable LIBREOLLAMA_DB_KEY')]
    case 'development':
      input.warn('the development key is public: whoever has this file can read it. Use it for tests only.')
      return developmentKeys()
    case 'keychain': {
      const key = await readKeychain(input)
      if (key) return [key]
      throw new AppError('KEY_SOURCE', 'the keychain holds no key for this database', {
        hint: { step: 'store_key' },
      })
    }
    case 'prompt':
      return [parseKey(Buffer.from((await input.ask?.()) ?? ''), 'the passphrase that was typed')]
    case 'typed':
      return [parseKey(Buffer.from(source.text), 'the passphrase that was typed')]
  }
}

/** Describes the source of the key in words. */
export function describeKeySource(source: KeySource): string {
  switch (source.kind) {
    case 'file':
      return `${source.path === '-' ? 'standard input' : `the file ${source.path}`}${namedBy(source)}`
    case 'command':
      return `the command ${source.command}${namedBy(source)}`
    case 'environment':
      return 'the environment variable LIBREOLLAMA_DB_KEY'
    case 'development':
      return "Phase 2.1's development key"
    case 'keychain':
      return 'the keychain of the system'
    case 'prompt':
    case 'typed':
      return 'typed at the prompt'
  }
}

const namedBy = ({ variable }: { variable?: string }) => (variable ? `, named by ${variable}` : '')

/**
 * Returns the key that the keychain has for a file, or undefined. Throws KEY_SOURCE when there is no
 * keychain.
 */
export async function readKeychain({ keychain, salt }: KeyInput): Promise<Key | undefined> {
  if (!salt) {
    throw new AppError('KEY_SOURCE', 'the keychain has keys for databases that exist only', {
      hint: { step: 'use_keychain' },
    })
  }
  const text = await keychain?.get(salt)
  return text ? parseKey(Buffer.from(text), 'the key in the keychain') : undefined
}

/**
 * Creates the error for when no source was named and nobody can be asked; includes the answer of the
 * keychain, if it was asked.
 */
export function noKeyError(keychain = ''): AppError {
  const words = `the database is encrypted and no key was given${keychain && `; ${keychain}`}`
  return new AppError('KEY_SOURCE', words, { hint: NO_KEY_HINT })
}

async function readKeyFile(path: string, input: KeyInput): Promise<Key> {
  if (path === '-' && input.readStdin) {
    return parseKey(atMostAKey(await input.readStdin(), 'standard input'), 'the key on standard input')
  }
  if (path === '')
    throw new AppError('KEY_SOURCE', 'the name of the key file is empty', { hint: NO_KEY_HINT })
  const origin = `the key file ${path}`
  try {
    const { mode } = await stat(path)
    if (mode & 0o077 && (mode & 0o170000) === 0o100000) {
      input.warn(`other users can read ${origin}; make it yours alone with: chmod 600 ${shellWord(path)}`)
    }
    return parseKey(await readGivenFile(path, LARGEST_KEY), origin)
  } catch (error) {
    throw await keyFileError(error, path)
  }
}

async function keyFileError(error: unknown, path: string): Promise<unknown> {
  if (error instanceof UnfitFile)
    return new AppError('KEY_SOURCE', `the key file ${path} ${error.reason}`, {
      hint: `a key file is a regular file of at most ${LARGEST_KEY} bytes; a command that prints the key is a key command`,
      cause: error,
    })
  const code = systemErrorCode(error)
  if (code === undefined) return error
  if (code === 'ENOENT') {
    const { describeDangling } = await import('../files/symlinks.ts')
    const dangling = await describeDangling(path)
    if (dangling)
      return new AppError('KEY_SOURCE', `the key file: ${dangling.words}`, { hint: dangling.hint })
    return new AppError('KEY_SOURCE', `there is no key file at ${path}`, {
      hint: [{ step: 'generate_key' }, { step: 'check_path', path }],
    })
  }
  const explained = explainSystemError(error, path)
  const { message, advice: hint } =
    explained instanceof AppError ? explained : { message: `${path}: ${code}`, advice: NO_KEY_HINT }
  return new AppError('KEY_SOURCE', `the key file cannot be read: ${message}`, { hint, cause: error })
}

function atMostAKey(bytes: Uint8Array, origin: string): Uint8Array {
  if (bytes.length <= LARGEST_KEY) return bytes
  throw new AppError('KEY_SOURCE', `${origin} holds more than ${LARGEST_KEY} bytes, too much for a key`, {
    hint: NO_KEY_HINT,
  })
}

async function runKeyCommand(command: string, input: KeyInput): Promise<Key> {
  if (command.trim() === '')
    throw new AppError('KEY_SOURCE', 'the key command is empty', { hint: NO_KEY_HINT })
  const fail = (problem: string): AppError =>
    new AppError('KEY_SOURCE', `the key command ${problem}`, {
      hint: 'run the command by itself: it must print the key on one line and exit with 0',
    })
  const { spawn } = await import('node:child_process')
  const { LIBREOLLAMA_DB_KEY: _withheld, ...env } = input.env ?? {}
  const child = spawn('/bin/sh', ['-c', command], {
    env,
    stdio: ['inherit', 'pipe', input.commandMessages ?? 'ignore'],
  })
  const chunks: Buffer[] = []
  let size = 0
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= LARGEST_KEY) chunks.push(chunk)
    else child.stdout.destroy() // SIGPIPE stops a command that continues to print
  })
  const { code, signal } = await new Promise<Ending>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  // A process that it left in the background (an agent) may hold the pipe open forever: what was printed
  // counts.
  await readWhatIsThere(child.stdout, () => size)
  child.stdout.destroy()
  const outcome =
    size > LARGEST_KEY
      ? 'printed too much for a key'
      : signal !== null
        ? `was ended by ${signal}`
        : code !== 0
          ? `failed with exit code ${code}`
          : undefined
  if (outcome !== undefined) throw fail(outcome)
  if (size === 0) throw fail('printed nothing')
  return parseKey(Buffer.concat(chunks), 'what the key command printed')
}

interface Ending {
  code: number | null
  signal: string | null
}

/** Resolves when everything currently in a pipe has been read. */
async function readWhatIsThere(pipe: Readable, bytesRead: () => number): Promise<void> {
  // Each turn of the event loop reads what is available; a turn that reads nothing shows that nothing is
  // left.
  for (let quiet = 0, before = bytesRead(); quiet < 3 && !pipe.destroyed && !pipe.readableEnded; ) {
    await new Promise((resolve) => setImmediate(resolve))
    quiet = bytesRead() === before ? quiet + 1 : 0
    before = bytesRead()
  }
}
