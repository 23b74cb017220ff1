import type { Hint } from '../../advice.ts'
import { isEncryptedBehindHeader } from '../../database/diagnosis.ts'
import { type ForeignKeys, openForeign } from '../../database/foreign-database.ts'
import { isEngineError } from '../../engine/engine-errors.ts'
import { AppError } from '../../errors.ts'
import { examineFile } from '../../files/file-facts.ts'
import { Refused } from '../conversation.ts'
import { startsAsJsonl } from '../jsonl.ts'
import {
  type Content,
  type DatabaseFormat,
  type Element,
  type ImportFormat,
  type JsonFormat,
  type ReaderOptions,
  TOO_DEEP,
} from './import-format.ts'
import { IMPORT_FORMATS, SOURCES, type SourceName } from './import-formats.ts'
import type { ChatLines } from './import-items.ts'
import { elementsOf, jsonElements, parseElement } from './json-elements.ts'
import { jsonlElements } from './jsonl-elements.ts'
import type { SourceFile } from './source-files.ts'

/** What is found in a file, and the format that it is in. */
export type Found = Content & { source: SourceName }

export interface ReadOptions extends ReaderOptions {
  from: SourceName | 'auto'
  /** What opens a source that is an encrypted database. */
  encrypted?: ForeignKeys | undefined
  onBytes: (bytes: number) => void
}

/** A format, with its name, by one of the ways in which it is found. */
interface Way<Format> {
  source: SourceName
  format: Format
}

const waysOf = <Format>(pick: (format: ImportFormat) => Format | undefined): Way<Format>[] =>
  IMPORT_FORMATS.flatMap((one) => {
    const format = pick(one)
    return format ? [{ source: one.name, format }] : []
  })

const JSON_FORMATS = waysOf<JsonFormat>(({ json }) => json)
const DATABASE_FORMATS = waysOf<DatabaseFormat>(({ database }) => database)

const SQLITE = Buffer.from('SQLite format 3\0')
const UTF16 = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])]

/**
 * Yields the content of a file, several pieces at a time, which have to be used before the next are
 * requested; the format is detected from the content. A file of unknown format yields nothing, unless the
 * user named it. Throws INVALID for that, and for a file that ends in the middle.
 */
export async function* readSource(file: SourceFile, options: ReadOptions): AsyncGenerator<Iterable<Found>> {
  const head = await headOf(file)
  if (head.subarray(0, SQLITE.length).equals(SQLITE)) {
    if (file.path !== undefined) {
      if (!isEncryptedBehindHeader(head))
        return yield* readDatabase(file.path, file, { ...options, encrypted: undefined })
      if (options.encrypted && file.named) return yield* readDatabase(file.path, file, options)
      return refuseUnknown(file, options, 'a database that is encrypted behind a plaintext header', {
        step: 'name_source_key',
      })
    }
    throw new AppError('INVALID', `${file.name} is a database inside an archive`, {
      hint: 'unpack it, and import the file itself',
    })
  }
  const text = head.toString('latin1')
  const isBlank = text.trim() === ''
  if ((/^(\xef\xbb\xbf)?\s*[[{]/.test(text) && !isBinary(head)) || (isBlank && head.length === HEAD))
    return yield* readJson(file, startsAsJsonl(text) ? jsonlElements : jsonElements, options)
  if (UTF16.some((mark) => head.subarray(0, 2).equals(mark)) && head.subarray(2, 4).includes(0))
    return refuseUnknown(file, options, 'text in UTF-16; save it as UTF-8')
  if (isBlank) return refuseUnknown(file, options, 'empty', 'export or download it again')
  if (options.encrypted && file.named && file.path !== undefined)
    return yield* readDatabase(file.path, file, options)
  refuseUnknown(file, options, 'neither JSON nor a plaintext database', { step: 'name_source_key' })
}

/**
 * Returns true for bytes that cannot begin a text. An encrypted database begins with a random salt, which can
 * begin with any character.
 */
function isBinary(head: Buffer): boolean {
  const hasControl = head.some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20))
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
    return false
  } catch {
    return hasControl
  }
}

async function* readDatabase(
  path: string,
  file: SourceFile,
  options: ReadOptions,
): AsyncGenerator<Iterable<Found>> {
  const connection = await openForeign(path, options.encrypted).catch((error) => {
    throw damagedSource(file, error) ?? error
  })
  try {
    for (const { source, format } of DATABASE_FORMATS) {
      if (!(await format.recognizes(connection))) continue
      if (options.from !== 'auto' && options.from !== source)
        return refuseUnknown(file, options, `a database of ${source}`)
      const lost = await lostCommitsOf(path)
      if (lost) yield [{ source, imported: { kind: 'refused', refused: new Refused(null, lost) } }]
      for await (const imported of format.read(connection, options)) yield [{ source, imported }]
      return
    }
  } catch (error) {
    if (error instanceof Refused) throw notReadable(file, error.message, error)
    if (error instanceof RangeError) throw notReadable(file, TOO_DEEP, error)
    const damaged = damagedSource(file, error)
    if (damaged) throw damaged
    if (!isEngineError(error)) throw error
    throw notReadable(file, `its tables are not as that program makes them (${error.message})`, error)
  } finally {
    await connection.close()
  }
  refuseUnknown(
    file,
    options,
    'a SQLite database that none of the known programs made',
    'export the chats from that program, and import that file',
  )
}

/**
 * The error for a source that is damaged, with what was found of it; undefined for any other. It has no cause of
 * the engine, for which the reason would be looked for in the database that is written.
 */
function damagedSource(file: SourceFile, error: unknown): AppError | undefined {
  const cause = error instanceof AppError ? error.cause : error
  const isDamage =
    (error instanceof AppError && error.code === 'CORRUPT') ||
    (isEngineError(cause) && DAMAGE.has(cause.code))
  if (!isDamage) return undefined
  const words = error instanceof AppError ? error.message : 'the database is damaged'
  return new AppError('CORRUPT', words.includes(file.name) ? words : `${file.name}: ${words}`, {
    hint: 'look for another copy of the file; importing that adds what is missing',
  })
}

const DAMAGE = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_NOMEM'])

/** Describes, in words, commits that damage in the -wal of a source makes unreadable. */
async function lostCommitsOf(path: string): Promise<string | undefined> {
  const facts = await examineFile(path)
  if (!facts.walBytes) return undefined
  const { lostCommitsCause, readLostCommits } = await import('../../database/lost-commits.ts')
  const lost = await readLostCommits(facts)
  return lost && lostCommitsCause(facts, lost).detail
}

/** The number of values to examine for one of a known format; those before it are refused one by one. */
const LOOKED_AT = 100

async function* readJson(
  file: SourceFile,
  elements: typeof jsonlElements,
  options: ReadOptions,
): AsyncGenerator<Iterable<Found>> {
  let way: Way<JsonFormat> | undefined
  let others: Element[] = []
  let number = 0
  const position = { line: 1 }
  function* found(values: Iterable<Buffer | Refused | ChatLines>): Generator<Found> {
    for (const element of values) {
      if (!Buffer.isBuffer(element) && !(element instanceof Refused)) {
        if (way?.format.takesChats) yield { source: way.source, chats: element }
        else yield* found(elementsOf(element.json))
        continue
      }
      number++
      const text = Buffer.isBuffer(element) ? element.toString('utf8') : ''
      const value = Buffer.isBuffer(element) ? parseElement(element, text) : element
      way ??= recognize(value, options, file)
      others.push({ value, text, at: position.line })
      if (way === undefined && others.length < LOOKED_AT) continue
      if (way === undefined) return
      for (const other of others) yield { source: way.source, ...way.format.read(other, file, options) }
      others = []
    }
  }
  for await (const values of elements(counted(file, options), file.name, { position })) {
    yield found(values)
    if (way === undefined && number >= LOOKED_AT) break
  }
  if (way !== undefined || number === 0) return
  const [only] = others
  if (others.length === 1 && only?.value instanceof Refused) throw unreadable(file, only.value)
  const [known] = others
    .map(({ value }) => recognize(value, { ...options, from: 'auto' }, file))
    .filter((one) => one !== undefined)
  refuseUnknown(file, options, known ? `JSON of ${known.source}` : 'JSON of no format that is known')
}

function notReadable({ name }: SourceFile, reason: string, cause: Error): AppError {
  return new AppError('INVALID', `${name} cannot be imported: ${reason}`, {
    hint: 'export the chats from that program, and import that file',
    cause,
  })
}

/** Creates the error for a file whose only value cannot be read. */
function unreadable({ name }: SourceFile, { message }: Refused): AppError {
  return new AppError('INVALID', `${name} cannot be imported: ${message}`, {
    hint: 'export or download it again, in smaller parts where the program can do that',
  })
}

/** The format of a value; a file that was named itself, with its format, is believed to be of it. */
function recognize(
  value: unknown,
  { from }: ReadOptions,
  { named }: SourceFile,
): Way<JsonFormat> | undefined {
  if (value instanceof Refused) return undefined
  return JSON_FORMATS.find(
    ({ source, format }) =>
      (from === 'auto' || from === source) && ((named && from === source) || format.recognizes(value)),
  )
}

async function* counted(file: SourceFile, { onBytes }: ReadOptions): AsyncGenerator<Uint8Array> {
  for await (const chunk of file.read()) {
    onBytes(chunk.length)
    yield chunk
  }
}

/** The number of bytes that distinguish SQLite from JSON. */
const HEAD = 512

async function headOf(file: SourceFile): Promise<Buffer> {
  let head = Buffer.alloc(0)
  for await (const chunk of file.read()) {
    head = Buffer.concat([head, chunk])
    if (head.length >= HEAD) break
  }
  return head.subarray(0, HEAD)
}

function refuseUnknown(file: SourceFile, { from }: ReadOptions, what: string, next?: Hint): void {
  if (!file.named) return
  const known: Hint = from === 'auto' ? { step: 'find_formats', formats: SOURCES } : { step: 'find_formats' }
  throw new AppError('INVALID', `${file.name} cannot be imported: it is ${what}`, { hint: next ?? known })
}
