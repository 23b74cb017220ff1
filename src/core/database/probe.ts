import type { ClosableConnection, Connect, Connection, ConnectOptions } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import type { FileFacts } from '../files/file-facts.ts'
import type { CipherSettings } from '../keys/cipher-settings.ts'
import type { Key } from '../keys/key.ts'
import { causeError, type Diagnosis } from './diagnosis.ts'

/** The smallest read that needs the key, the first page, and the -wal where there is one. */
export async function readSomething(connection: Connection): Promise<void> {
  await connection.get('SELECT count(*) FROM sqlite_schema')
}

/** What may be done to a file to read it. */
export interface ProofOptions extends Pick<ConnectOptions, 'lockTimeout' | 'onStatement'> {
  /**
   * What the file has to be: `encrypted`, as SQLCipher 4 does it, is the default; `other_cipher` by any other
   * settings.
   */
  form?: 'encrypted' | 'plaintext' | 'other_cipher'
  /** What is known of the settings of a file of the form `other_cipher`; the rest is found out. */
  knownSettings?: Partial<CipherSettings> | undefined
  /** `read` is the default; `create` expects an empty file and keys it. */
  access?: 'read' | 'write' | 'create'
  /** Whether the file is to be copied: read at rest, on connections that SQLite lets copy. */
  copying?: boolean
  /** Whether half a transaction that a killed program left may be rolled back, which writes; default true. */
  recover?: boolean
}

/**
 * What opens a file: SQLCipher's raw-key literal, none for plaintext, and the settings where they are not the
 * usual ones.
 */
interface Opener {
  key?: string
  cipher?: CipherSettings
  /** The key as it was given. */
  given?: Key
}

/** What opened the file, and the connection that proved it. */
export interface Proof extends Way, Opener {
  probe: ClosableConnection
}

/** How a file is opened for reading. */
interface Way {
  access: 'read' | 'query'
  immutable: boolean
}

/** What the engine answers when the key or the file is wrong; which of the two is told by `causeWithKeys`. */
export const UNPROVEN = new Set(['WRONG_KEY', 'CORRUPT'])

/** Finds what opens the file, by reading it without writing. */
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
  const { causeWithKeys, readErrorOnce } = await import('./diagnosis-with-keys.ts') // only for what does not open
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

/** What to do about a damaged file that has no backups of ours. */
export const OTHER_COPY =
  'look for another copy of the file: what is damaged is not copied; nothing was changed'

/** What reading a file as one at rest fails with; undefined when it can be read. */
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

/** Whether a file is what it was opened as, with nothing wrong. */
export function isWithoutDamage(
  { cause }: Diagnosis,
  { form = 'encrypted' }: Pick<ProofOptions, 'form'>,
): boolean {
  return cause === 'ok' || WITHOUT_DAMAGE[form].includes(cause)
}

/** What a file of each form is called, beside `ok`, when nothing is wrong with it. */
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

/** Each is tried only when the one before it failed for want of permission or space. */
function waysToRead(facts: FileFacts, { access, copying, recover = true }: ProofOptions): Way[] {
  const alone = facts.walBytes === undefined && !facts.hasJournal
  if (copying && alone) return [{ access: 'read', immutable: true }]
  // With nothing beside the file, a connection that may write cannot touch anything even with a wrong key; and closing
  // it removes the -wal that reading makes, which a read-only one leaves behind.
  const tidies = alone && facts.folderWritable && access !== 'write'
  const ways: Way[] = [{ access: tidies ? 'query' : 'read', immutable: false }]
  // Without a place for its -shm (a folder that cannot be written, a full disk) it is read as a file at rest.
  const hasAll = !facts.walBytes && !facts.hasJournal
  if (hasAll && access !== 'write') ways.push({ access: 'read', immutable: true })
  // Half a transaction of a killed program is rolled back from its journal, which only a writing connection
  // may do.
  if (facts.hasJournal && recover && !facts.lostCommits) ways.push({ access: 'query', immutable: false })
  return ways
}

/**
 * A connection that rolls back writes before it knows whether its key is right: so the key is tried on the
 * side first.
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
