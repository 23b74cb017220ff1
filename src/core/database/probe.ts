import type { ClosableConnection, Connect, Connection, ConnectOptions } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import type { FileFacts } from '../files/file-facts.ts'
import type { CipherSettings } from '../keys/cipher-settings.ts'
import type { Key } from '../keys/key.ts'
import { causeError, type Diagnosis } from './diagnosis.ts'

/** Reads as little as possible that needs the key, the first page, and the -wal if there is one. */
export async function readSomething(connection: Connection): Promise<void> {
  await connection.get('SELECT count(*) FROM sqlite_schema')
}

/** Options for reading a file in order to verify it. */
export interface ProofOptions extends Pick<ConnectOptions, 'lockTimeout' | 'onStatement'> {
  /**
   * The expected form of the file: `encrypted`, with the defaults of SQLCipher 4, is the default;
   * `other_cipher` has any other settings.
   */
  form?: 'encrypted' | 'plaintext' | 'other_cipher'
  /** The known settings of a file of the form `other_cipher`; the others are detected. */
  knownSettings?: Partial<CipherSettings> | undefined
  /** `read` is the default; `create` expects an empty file and keys it. */
  access?: 'read' | 'write' | 'create'
  /** True when the file is to be copied: it is read at rest, on connections that SQLite can copy from. */
  copying?: boolean
  /**
   * True when the transaction that a killed program left unfinished may be rolled back, which writes; default
   * true.
   */
  recover?: boolean
}

/**
 * The key and settings that open a file: SQLCipher's raw-key literal, none for plaintext, and the settings
 * when they are not the defaults.
 */
interface Opener {
  key?: string
  cipher?: CipherSettings
  /** The key as given. */
  given?: Key
}

/** The way and the key that opened the file, and the connection that verified it. */
export interface Proof extends Way, Opener {
  probe: ClosableConnection
}

/** A way to open a file for reading. */
interface Way {
  access: 'read' | 'query'
  immutable: boolean
}

/** The engine's error codes when the key or the file is wrong; `causeWithKeys` detects which of the two. */
export const UNPROVEN = new Set(['WRONG_KEY', 'CORRUPT'])

/** Finds what opens the file by reading it, without writing. */
export async function prove(
  facts: FileFacts,
  keys: Key[],
  connect: Connect,
  options: ProofOptions,
): Promise<Proof> {
  const { lockTimeout, onStatement } = options
  const ways = waysToRead(facts, options)
  let unproven: unknown
  for await (const opener of openers(facts, keys, options)) {
    for (const way of ways) {
      if (facts.hasJournal && way.access === 'query' && (await isWrongKey(facts, opener, connect))) break
      const probe = await connect(facts.realPath, { ...opener, lockTimeout, onStatement, ...way })
      try {
        await readSomething(probe)
        return { ...opener, probe, ...way }
      } catch (error) {
        await probe.close()
        unproven = error
        if (error instanceof AppError && UNPROVEN.has(error.code)) break
        const isLast = way === ways.at(-1)
        if (isLast || !(error instanceof AppError && error.code === 'IO')) throw explainJournal(error, facts)
      }
    }
  }
  const { causeWithKeys, readErrorOnce } = await import('./diagnosis-with-keys.ts') // only after a failure
  if (options.form === 'plaintext') {
    throw (await probeAtRest(facts.realPath, {}, connect)) === undefined
      ? readErrorOnce(facts.path, unproven)
      : new AppError('CORRUPT', `${facts.path}: the database is damaged`, {
          hint: OTHER_COPY,
          cause: unproven,
        })
  }
  const found = await causeWithKeys(facts, keys, connect, options.knownSettings)
  throw isWithoutDamage(found, options) ? readErrorOnce(facts.path, unproven) : causeError(found)
}

/** The hint for a damaged file that has no backups of ours. */
export const OTHER_COPY =
  'look for another copy of the file: what is damaged is not copied; nothing was changed'

/** Reads a file at rest and returns the error; undefined when it can be read. */
export async function probeAtRest(
  path: string,
  opener: Pick<ConnectOptions, 'key' | 'cipher'>,
  connect: Connect,
): Promise<unknown> {
  const probe = await connect(path, { ...opener, access: 'read', immutable: true })
  return readSomething(probe)
    .then(
      () => undefined,
      (error) => error,
    )
    .finally(() => probe.close())
}

/** Returns true when a file has the form it was opened as, without damage. */
export function isWithoutDamage(
  { cause }: Diagnosis,
  { form = 'encrypted' }: Pick<ProofOptions, 'form'>,
): boolean {
  return cause === 'ok' || WITHOUT_DAMAGE[form].includes(cause)
}

/** The causes, besides `ok`, that a sound file of each form may have. */
const WITHOUT_DAMAGE: Record<NonNullable<ProofOptions['form']>, Diagnosis['cause'][]> = {
  encrypted: [],
  plaintext: ['plaintext'],
  other_cipher: ['old_cipher', 'other_cipher'],
}

async function* openers(
  facts: FileFacts,
  keys: Key[],
  { form, knownSettings }: ProofOptions,
): AsyncGenerator<Opener> {
  if (form === 'plaintext') return yield {}
  const { start } = facts.samples
  if (form !== 'other_cipher') {
    for (const key of keys) yield { key: await key.literal(start.subarray(0, 16)), given: key }
    return
  }
  const { findCipherSettings } = await import('../keys/find-cipher-settings.ts')
  const found = await findCipherSettings(start, keys, knownSettings)
  if (found) yield { key: found.literal, cipher: found.settings, given: found.key }
}

/**
 * Lists the ways to read a file; each is tried only when the one before it failed for lack of permission or
 * space.
 */
function waysToRead(facts: FileFacts, { access, copying, recover = true }: ProofOptions): Way[] {
  const alone = facts.walBytes === undefined && !facts.hasJournal
  if (copying && alone) return [{ access: 'read', immutable: true }]
  // With nothing beside the file, a connection that may write cannot change anything even with a wrong key;
  // and closing it removes the -wal that reading creates, which a read-only one leaves behind.
  const tidies = alone && facts.folderWritable && access !== 'write'
  const ways: Way[] = [{ access: tidies ? 'query' : 'read', immutable: false }]
  // Without a place for its -shm (a read-only folder, a full disk) it is read as a file at rest.
  const hasAll = !facts.walBytes && !facts.hasJournal
  if (hasAll && access !== 'write') ways.push({ access: 'read', immutable: true })
  // The unfinished transaction of a killed program is rolled back from its journal, which needs a writing
  // connection.
  if (facts.hasJournal && recover && !facts.lostCommits) ways.push({ access: 'query', immutable: false })
  return ways
}

/**
 * Returns true when the key is wrong. A connection that rolls back writes before it knows whether its key is
 * right, so the key is tried separately first.
 */
async function isWrongKey(facts: FileFacts, opener: Opener, connect: Connect): Promise<boolean> {
  const error = await probeAtRest(facts.realPath, opener, connect)
  return error instanceof AppError && error.code === 'WRONG_KEY'
}

function explainJournal(error: unknown, { path, hasJournal }: FileFacts): unknown {
  if (!hasJournal || !(error instanceof AppError) || error.code !== 'IO') return error
  return new AppError('CHECK_FAILED', `${path}: a program was killed in the middle of a transaction`, {
    hint: { step: 'open_database', about: 'open it, which rolls the transaction back, then run this again' },
    cause: error,
  })
}
