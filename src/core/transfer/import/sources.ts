import { basename, resolve } from 'node:path'
import type { Hint } from '../../advice.ts'
import { type ForeignKeys, openForeign } from '../../database/foreign-database.ts'
import type { Connection } from '../../engine/connection.ts'
import { isEngineError } from '../../engine/engine-errors.ts'
import { AppError } from '../../errors.ts'
import { examineFile } from '../../files/file-facts.ts'
import { type Conversation, type Imported, Refused } from '../conversation.ts'
import { isJsonlHeader, startsAsJsonl } from '../jsonl.ts'
import { looksLikeChatGPT, readChatGPT } from '../readers/chatgpt/chatgpt.ts'
import { looksLikeClaude, readClaude } from '../readers/claude/claude.ts'
import { isLibreOllama, readLibreOllama } from '../readers/libreollama/libreollama.ts'
import {
  looksLikeLibreOllamaExport,
  readLibreOllamaExport,
} from '../readers/libreollama/libreollama-export.ts'
import { isLlm, readLlm } from '../readers/llm/llm.ts'
import { looksLikeLMStudio, readLMStudio } from '../readers/lmstudio/lmstudio.ts'
import { isOllama, readOllama } from '../readers/ollama/ollama.ts'
import { looksLikeOpenWebUI, readOpenWebUI } from '../readers/openwebui/openwebui.ts'
import { isOpenWebUiDatabase, readOpenWebUiDatabase } from '../readers/openwebui/openwebui-database.ts'
import type { ChatLines } from './import-items.ts'
import { elementsOf, jsonElements, parseElement } from './json-elements.ts'
import { jsonlElements } from './jsonl-elements.ts'
import type { SourceFile } from './source-files.ts'

/** The formats that can be imported. */
export const SOURCES = [
  'jsonl',
  'libreollama',
  'chatgpt',
  'openwebui',
  'claude',
  'llm',
  'ollama',
  'lmstudio',
] as const
export type SourceName = (typeof SOURCES)[number]

/**
 * An item found in a file: our own lines, of which those that are not JSON are Refused, or the result of a
 * foreign reader.
 */
export type Found =
  | { source: 'jsonl'; chats: ChatLines }
  | { source: 'jsonl'; line: unknown; text: string; at: number }
  | { source: SourceName; imported: Imported; at?: number }

export interface ReadOptions {
  from: SourceName | 'auto'
  /** The IANA name of the zone for the times that LibreOllama wrote without one. */
  timeZone: string
  /** Opens a source that is an encrypted database. */
  encrypted?: ForeignKeys | undefined
  onBytes: (bytes: number) => void
}

type JsonFormat = [
  Exclude<SourceName, 'jsonl'>,
  (value: unknown) => boolean,
  (value: unknown, file: SourceFile, options: ReadOptions) => Conversation,
]

/** Formats of JSON values, detected from the first of them. */
const JSON_FORMATS: JsonFormat[] = [
  [
    'lmstudio',
    looksLikeLMStudio,
    (value, { name, path, named }) =>
      readLMStudio(value, named ? basename(name) : name, path === undefined ? name : resolve(path)),
  ],
  [
    'libreollama',
    looksLikeLibreOllamaExport,
    (value, _file, { timeZone }) => readLibreOllamaExport(value, timeZone),
  ],
  ['chatgpt', looksLikeChatGPT, (value) => readChatGPT(value)],
  ['openwebui', looksLikeOpenWebUI, (value) => readOpenWebUI(value)],
  ['claude', looksLikeClaude, (value) => readClaude(value)],
]

/** Formats of SQLite files, detected from their tables. */
const DATABASE_FORMATS: [
  Exclude<SourceName, 'jsonl'>,
  (connection: Connection) => Promise<boolean>,
  (connection: Connection, options: ReadOptions) => AsyncGenerator<Imported>,
][] = [
  ['openwebui', isOpenWebUiDatabase, (connection) => readOpenWebUiDatabase(connection, readOpenWebUI)],
  ['llm', isLlm, (connection) => readLlm(connection)],
  ['ollama', isOllama, (connection) => readOllama(connection)],
  ['libreollama', isLibreOllama, (connection, { timeZone }) => readLibreOllama(connection, { timeZone })],
]

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
    if (file.path !== undefined)
      return yield* readDatabase(file.path, file, { ...options, encrypted: undefined })
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
  if (isBlank) return refuseUnknown(file, options, 'empty')
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
  const connection = await openForeign(path, options.encrypted)
  try {
    for (const [source, recognises, read] of DATABASE_FORMATS) {
      if (!(await recognises(connection))) continue
      if (options.from !== 'auto' && options.from !== source)
        return refuseUnknown(file, options, `a database of ${source}`)
      const lost = await lostCommitsOf(path)
      if (lost) yield [{ source, imported: { kind: 'refused', refused: new Refused(null, lost) } }]
      for await (const imported of read(connection, options)) yield [{ source, imported }]
      return
    }
  } catch (error) {
    if (error instanceof Refused) throw notReadable(file, error.message, error)
    if (error instanceof RangeError) throw notReadable(file, TOO_DEEP, error)
    if (!isEngineError(error)) throw error
    throw notReadable(file, `its tables are not as that program makes them (${error.message})`, error)
  } finally {
    await connection.close()
  }
  refuseUnknown(file, options, 'a SQLite database that none of the known programs made')
}

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
  let format: JsonFormat | 'jsonl' | undefined
  let others: Element[] = []
  let number = 0
  const position = { line: 1 }
  function* found(values: Iterable<Buffer | Refused | ChatLines>): Generator<Found> {
    for (const element of values) {
      if (!Buffer.isBuffer(element) && !(element instanceof Refused)) {
        if (format === 'jsonl') yield { source: 'jsonl', chats: element }
        else yield* found(elementsOf(element.json))
        continue
      }
      number++
      const text = Buffer.isBuffer(element) ? element.toString('utf8') : ''
      const value = Buffer.isBuffer(element) ? parseElement(element, text) : element
      format ??= recognise(value, options, file)
      others.push({ value, text, at: position.line })
      if (format === undefined && others.length < LOOKED_AT) continue
      if (format === undefined) return
      for (const other of others) yield foundIn(other, format, file, options)
      others = []
    }
  }
  for await (const values of elements(counted(file, options), file.name, { position })) {
    yield found(values)
    if (format === undefined && number >= LOOKED_AT) break
  }
  if (format !== undefined || number === 0) return
  const [only] = others
  if (others.length === 1 && only?.value instanceof Refused) throw unreadable(file, only.value)
  const [known] = others
    .map(({ value }) => recognise(value, { ...options, from: 'auto' }, file))
    .filter((one) => one !== undefined)
  refuseUnknown(file, options, known ? `JSON of ${nameOf(known)}` : 'JSON of no format that is known')
}

const nameOf = (format: JsonFormat | 'jsonl') => (format === 'jsonl' ? format : format[0])

/** A value of a file, with the number of its first line. */
interface Element {
  value: unknown
  text: string
  at: number
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

function foundIn(
  { value, text, at }: Element,
  format: JsonFormat | 'jsonl',
  file: SourceFile,
  options: ReadOptions,
): Found {
  if (format === 'jsonl') return { source: 'jsonl', line: value, text, at }
  if (value instanceof Refused)
    return { source: format[0], imported: { kind: 'refused', refused: value }, at }
  return { source: format[0], imported: readOne(() => format[2](value, file, options)), at }
}

/** Detects the format of a value; when the user named the file and its format, that format is trusted. */
function recognise(
  value: unknown,
  { from }: ReadOptions,
  { named }: SourceFile,
): JsonFormat | 'jsonl' | undefined {
  if (value instanceof Refused) return undefined
  const isJsonl = isJsonlHeader(value)
  if (from === 'jsonl') return named || isJsonl ? 'jsonl' : undefined
  if (from === 'auto' && isJsonl) return 'jsonl'
  return JSON_FORMATS.find(
    ([source, looksLike]) =>
      (from === 'auto' || from === source) && ((named && from === source) || looksLike(value)),
  )
}

/** The possible meaning of a RangeError of JavaScript. */
export const TOO_DEEP = 'something in it is nested too deep, or too long'

function readOne(read: () => Conversation): Imported {
  try {
    return { kind: 'conversation', conversation: read() }
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', refused: error }
    if (error instanceof RangeError) return { kind: 'refused', refused: new Refused(null, TOO_DEEP) }
    throw error
  }
}

async function* counted(file: SourceFile, { onBytes }: ReadOptions): AsyncGenerator<Uint8Array> {
  for await (const chunk of file.read()) {
    onBytes(chunk.length)
    yield chunk
  }
}

/** The number of bytes that distinguish SQLite from JSON. */
const HEAD = 64

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
