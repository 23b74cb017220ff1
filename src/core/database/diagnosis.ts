import type { Hint } from '../advice.ts'
import type { Connect } from '../engine/connection.ts'
import { AppError, type OutcomeCode } from '../errors.ts'
import { type FileFacts, findIntruder } from '../files/file-facts.ts'
import type { CipherSettings } from '../keys/cipher-settings.ts'
import type { Spelling } from '../keys/key-spelling.ts'
import { shellWord } from '../shell-word.ts'

/** The reason why a file opens or does not. */
export interface Diagnosis {
  cause:
    | 'ok'
    | 'plaintext'
    | 'empty'
    | 'wrong_key'
    | 'old_cipher'
    | 'other_cipher'
    | 'damaged'
    | 'not_a_database'
    | 'missing'
    | 'unreadable'
  /** The cause in a sentence, naming the file. */
  detail: string
  /** The damaged pages, counted from 1. */
  pages: number[]
  hint: Hint
  /** Another spelling of the key that opens the file. */
  spelling?: Spelling
  /** The error code, when it is not that of the cause. */
  outcome?: OutcomeCode
}

const EXITS: Record<Exclude<Diagnosis['cause'], 'ok'>, OutcomeCode> = {
  plaintext: 'NOT_ENCRYPTED',
  empty: 'NO_DATABASE',
  wrong_key: 'WRONG_KEY',
  old_cipher: 'NOT_ENCRYPTED',
  other_cipher: 'NOT_ENCRYPTED',
  damaged: 'CORRUPT',
  not_a_database: 'WRONG_KEY',
  missing: 'NO_DATABASE',
  unreadable: 'IO',
}

const PLAINTEXT_HEADER = Buffer.from('SQLite format 3\0')
/** The number of bytes that suffice to distinguish encrypted bytes from others. */
const SAMPLE = 4096
/** No SQLite file is smaller than one page of the smallest size. */
const SMALLEST_DATABASE = 512

/** Turns the diagnosis into the error that ends a command. */
export function causeError(diagnosis: Diagnosis): AppError {
  const code = diagnosis.outcome ?? (diagnosis.cause === 'ok' ? 'FAILURE' : EXITS[diagnosis.cause])
  return new AppError(code, diagnosis.detail, { hint: diagnosis.hint, cause: diagnosis.spelling })
}

/**
 * Returns the cause when the file's metadata and first bytes show it, or undefined: then only a key can show
 * more.
 */
export async function causeWithoutKey(
  facts: FileFacts,
  connect: Connect,
  known: Partial<CipherSettings> = {},
): Promise<Diagnosis | undefined> {
  const { path, size } = facts
  const say = (cause: Diagnosis['cause'], detail: string, hint: Hint, pages: number[] = []) => ({
    cause,
    detail,
    pages,
    hint,
  })
  switch (facts.kind) {
    case 'missing': {
      const { describeDangling } = await import('../files/symlinks.ts')
      const dangling = await describeDangling(path)
      if (dangling) return say('missing', `there is no database: ${dangling.words}`, dangling.hint)
      return say('missing', `there is no database at ${path}`, [
        { step: 'make_database', path },
        { step: 'choose_path', path, about: 'another one' },
      ])
    }
    case 'folder':
    case 'special': {
      const kind = facts.kind === 'folder' ? 'a folder' : 'not a regular file'
      const hint: Hint = { step: 'choose_path', path, about: 'a database file' }
      return {
        ...say('not_a_database', `${path} is ${kind}, no database file`, hint),
        outcome: 'NO_DATABASE',
      }
    }
    case 'unreadable':
      return say(
        'unreadable',
        `${path} cannot be read: permission denied`,
        `ls -l ${shellWord(path)} shows who may read it`,
      )
  }
  if (facts.intruder) return intruderCause(facts.intruder)
  if (size === 0 && facts.walBytes) {
    // SQLite treats such a file as a new database, and removes the -wal.
    return say(
      'damaged',
      `${path} is an empty file, and ${facts.walBytes} bytes that belong to it are in its -wal`,
      ['keep the -wal', { step: 'restore_latest', path }],
    )
  }
  if (size === 0) {
    const { unfinishedPlace } = await import('../files/recovery.ts') // only for a file that is not a database
    const place = await unfinishedPlace(facts.realPath)
    if (place?.running) {
      const detail = `${path} is being put in its place by another process`
      return { ...say('empty', detail, 'run the command again in a moment'), outcome: 'LOCKED' }
    }
    if (place) {
      const detail = `${path} is an empty file that an interrupted ${place.operation} left`
      return say('empty', detail, `run ${place.operation} again: it removes the file first`)
    }
    return say('empty', `${path} is an empty file`, [
      { step: 'restore_latest', path },
      'or move it away, and make a new database',
    ])
  }
  if (facts.samples.start.subarray(0, 16).equals(PLAINTEXT_HEADER)) {
    if (!isEncryptedBehindHeader(facts.samples.start)) return plaintextCause(facts, connect)
    return known.plaintextHeader && known.salt !== undefined ? undefined : behindHeaderCause(path)
  }
  if (size < SMALLEST_DATABASE) {
    return say('not_a_database', `${path} has ${size} bytes, too few for a database`, {
      step: 'check_path',
      path,
    })
  }
  if (!looksRandom(facts.samples.start.subarray(0, SAMPLE))) {
    return looksRandom(facts.samples.middle)
      ? say(
          'damaged',
          `page 1 of ${path} is overwritten: its bytes are not encrypted`,
          { step: 'restore_latest', path },
          [1],
        )
      : say(
          'not_a_database',
          `${path} is not a database, or the key is wrong: its bytes do not look encrypted`,
          { step: 'check_path', path },
        )
  }
  return undefined
}

/** Throws IO when something beside `path` would keep a new database there from opening. */
export async function refuseIntruders(path: string): Promise<void> {
  const intruder = await findIntruder(path)
  if (intruder) throw causeError(intruderCause(intruder))
}

/**
 * Diagnoses something that has the name of one of SQLite's own files, which SQLite would wait for, or mistake
 * for a fault of the disk.
 */
export function intruderCause({ path, kind }: NonNullable<FileFacts['intruder']>): Diagnosis {
  return {
    cause: 'unreadable',
    detail: `${path} is ${kind}, where SQLite keeps a file of its own`,
    pages: [],
    hint: 'look at it with: ls -l; then move it away, and run this again',
  }
}

/**
 * Returns true when a file is encrypted after a plaintext header: SQLite leaves these bytes of its header
 * zero, and encryption fills them.
 */
export function isEncryptedBehindHeader(start: Buffer): boolean {
  return start.length >= SMALLEST_DATABASE && start.subarray(72, 92).some((byte) => byte !== 0)
}

function behindHeaderCause(path: string): Diagnosis {
  return {
    cause: 'other_cipher',
    detail: `${path} is encrypted behind a plaintext header (cipher_plaintext_header_size), so its salt is not in the file`,
    pages: [],
    hint: { step: 'upgrade', path, plaintextHeader: 32 },
  }
}

async function plaintextCause(facts: FileFacts, connect: Connect): Promise<Diagnosis> {
  const { describePlaintext, plaintextDamage } = await import('./plaintext.ts')
  const damage = await plaintextDamage(facts, connect)
  if (damage !== undefined) {
    return {
      cause: 'damaged',
      detail: `${facts.path} is a plaintext SQLite database, and damaged: ${damage}`,
      pages: [],
      hint: 'look for another copy of the file; nothing was changed',
    }
  }
  return {
    cause: 'plaintext',
    detail: `${facts.path} is ${await describePlaintext(facts, connect)}, not encrypted`,
    pages: [],
    hint: ['nothing was changed', { step: 'encrypt', from: facts.path }],
  }
}

/**
 * Returns true when bytes look encrypted, that is evenly distributed: 4,096 of them hold over 7.9 bits each,
 * text and plain tables far less.
 */
function looksRandom(sample: Buffer): boolean {
  const counts = new Map<number, number>()
  for (const byte of sample) counts.set(byte, (counts.get(byte) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / sample.length) * Math.log2(count / sample.length)
  return bits > Math.min(7, Math.log2(sample.length) - 1.5)
}
