import { isUtf8 } from 'node:buffer'
import { parse } from 'node:path'
import type { Connection } from '../connection.ts'
import { openForeign } from '../database.ts'
import { AppError } from '../errors.ts'
import { looksLikeChatGPT, readChatGPT } from './chatgpt.ts'
import { looksLikeClaude, readClaude } from './claude.ts'
import { type Conversation, type Imported, Refused } from './conversation.ts'
import { jsonElements, jsonLineElements } from './json-elements.ts'
import { isJsonlHeader, startsAsJsonl } from './jsonl.ts'
import { isLibreOllama, readLibreOllama } from './libreollama.ts'
import { isLlm, readLlm } from './llm.ts'
import { looksLikeLMStudio, readLMStudio } from './lmstudio.ts'
import { isOllama, readOllama } from './ollama.ts'
import { looksLikeOpenWebUI, readOpenWebUI } from './openwebui.ts'
import { isOpenWebUiDatabase, readOpenWebUiDatabase } from './openwebui-database.ts'
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

/** What is found in a file: in our own lines, or as a foreign reader gives it. */
export type Found =
  | { source: 'jsonl'; line: unknown; text: string }
  | { source: Exclude<SourceName, 'jsonl'>; imported: Imported }

export interface ReadOptions {
  from: SourceName | 'auto'
  /** The IANA name of the zone in which LibreOllama wrote times without one. */
  timeZone: string
  onBytes: (bytes: number) => void
}

type JsonFormat = [
  Exclude<SourceName, 'jsonl'>,
  (value: unknown) => boolean,
  (value: unknown, file: SourceFile) => Conversation,
]

/** Formats of JSON values, told by what the first of them looks like. */
const JSON_FORMATS: JsonFormat[] = [
  [
    'lmstudio',
    looksLikeLMStudio,
    (value, { name }) => readLMStudio(value, parse(name).base, parse(name).dir || null),
  ],
  ['chatgpt', looksLikeChatGPT, (value) => readChatGPT(value)],
  ['openwebui', looksLikeOpenWebUI, (value) => readOpenWebUI(value)],
  ['claude', looksLikeClaude, (value) => readClaude(value)],
]

/** Formats of SQLite files, told by their tables. */
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

/**
 * What a file holds, a few pieces at a time, which have to be taken before the next are asked for; its format is told by
 * its content. A file of no known format gives nothing, unless it was named itself. Throws INVALID for that, and for a
 * file that ends in the middle.
 */
export async function* readSource(file: SourceFile, options: ReadOptions): AsyncGenerator<Iterable<Found>> {
  const head = await headOf(file)
  if (!head.subarray(0, SQLITE.length).equals(SQLITE)) {
    const text = head.toString('latin1')
    const isJson = /^(\xef\xbb\xbf)?\s*([[{]|$)/.test(text)
    if (isJson) return yield* readJson(file, startsAsJsonl(text) ? jsonLineElements : jsonElements, options)
    return refuseUnknown(
      file,
      options,
      'neither JSON nor a plaintext database (an encrypted one is opened with --db)',
    )
  }
  if (file.path !== undefined) return yield* readDatabase(file.path, file, options)
  throw new AppError('INVALID', `${file.name} is a database inside an archive`, {
    hint: 'unpack it, and import the file itself',
  })
}

async function* readDatabase(
  path: string,
  file: SourceFile,
  options: ReadOptions,
): AsyncGenerator<Iterable<Found>> {
  const connection = await openForeign(path)
  try {
    for (const [source, recognises, read] of DATABASE_FORMATS) {
      if (options.from !== source && !(options.from === 'auto' && (await recognises(connection)))) continue
      for await (const imported of read(connection, options)) yield [{ source, imported }]
      return
    }
  } finally {
    await connection.close()
  }
  refuseUnknown(file, options, 'a SQLite database that none of the known programs made')
}

async function* readJson(
  file: SourceFile,
  elements: typeof jsonElements,
  options: ReadOptions,
): AsyncGenerator<Iterable<Found>> {
  let format: JsonFormat | 'jsonl' | undefined = named(options.from)
  let isUnknown = false
  let number = 0
  function* found(values: Iterable<Buffer>): Generator<Found> {
    for (const bytes of values) {
      number++
      const text = bytes.toString('utf8')
      const value = parseElement(bytes, text)
      format ??= recognise(value, options)
      isUnknown = format === undefined
      if (format === undefined) return
      yield foundIn(value, text, format, file)
    }
  }
  for await (const values of elements(counted(file, options), file.name)) {
    yield found(values)
    if (isUnknown) break
  }
  if (format === undefined)
    refuseUnknown(file, options, number === 0 ? 'empty' : 'of no format that is known')
}

function foundIn(value: unknown, text: string, format: JsonFormat | 'jsonl', file: SourceFile): Found {
  if (value instanceof Refused) {
    const source = format === 'jsonl' ? format : format[0]
    return { source, imported: { kind: 'refused', refused: value } } as Found
  }
  if (format === 'jsonl') return { source: 'jsonl', line: value, text }
  return { source: format[0], imported: readOne(format[2], value, file) }
}

const named = (from: ReadOptions['from']) =>
  from === 'jsonl' ? 'jsonl' : JSON_FORMATS.find(([source]) => source === from)

function recognise(value: unknown, { from }: ReadOptions) {
  if (from !== 'auto' || value instanceof Refused) return undefined
  if (isJsonlHeader(value)) return 'jsonl' as const
  return JSON_FORMATS.find(([, looksLike]) => looksLike(value))
}

/** A value; bytes that are no text, or no JSON, are refused one value at a time. */
function parseElement(bytes: Buffer, text: string): unknown {
  if (!isUtf8(bytes)) return new Refused(null, 'it is not valid UTF-8 text')
  try {
    return JSON.parse(text)
  } catch (error) {
    return new Refused(null, `it is not valid JSON: ${error instanceof Error ? error.message : error}`)
  }
}

function readOne(
  read: (value: unknown, file: SourceFile) => Conversation,
  value: unknown,
  file: SourceFile,
): Imported {
  try {
    return { kind: 'conversation', conversation: read(value, file) }
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', refused: error }
    throw error
  }
}

async function* counted(file: SourceFile, { onBytes }: ReadOptions): AsyncGenerator<Uint8Array> {
  for await (const chunk of file.read()) {
    onBytes(chunk.length)
    yield chunk
  }
}

/** The first bytes, as many as tell SQLite from JSON. */
async function headOf(file: SourceFile): Promise<Buffer> {
  let head = Buffer.alloc(0)
  for await (const chunk of file.read()) {
    head = Buffer.concat([head, chunk])
    if (head.length >= 64) break
  }
  return head.subarray(0, 64)
}

function refuseUnknown(file: SourceFile, { from }: ReadOptions, what: string): void {
  if (!file.named && from === 'auto') return
  throw new AppError('INVALID', `${file.name} cannot be imported: it is ${what}`, {
    hint: `--from names the format: ${SOURCES.join(', ')}`,
  })
}
