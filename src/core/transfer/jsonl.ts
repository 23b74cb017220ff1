import type { Value } from '../connection.ts'
import { AppError } from '../errors.ts'
import type { ImportItem, RecordTable } from './import/import-items.ts'
import type { ImportRow } from './import/rows.ts'

/** The name and version of the form, in the first line; `whole` says that nothing was left out. */
export const JSONL_HEADER = { libreollama_db_export: 1 }

/** Whether a text begins as an export does that nobody has changed: each of its lines is one value. */
export function startsAsJsonl(text: string): boolean {
  return text.startsWith(JSON.stringify(JSONL_HEADER).slice(0, -1))
}

/** Whether a first line says that the whole database follows. */
export function isWholeExport(value: unknown): boolean {
  return isJsonlHeader(value) && (value as { whole?: unknown }).whole === true
}

/** The tables, by the name of the lines that hold their rows. */
export const LINE_TABLES = {
  setting: 'settings',
  agent: 'agents',
  session: 'chat_sessions',
  message: 'chat_messages',
  execution: 'agent_executions',
} as const

export type LineType = keyof typeof LINE_TABLES

/** The columns of each kind of line, in their order; the form is fixed, whatever later versions of the schema have. */
export const LINE_COLUMNS: Record<LineType, readonly string[]> = {
  setting: ['key', 'value', 'description', 'created_at', 'updated_at'],
  agent: [
    'id',
    'name',
    'description',
    'model_name',
    'system_prompt',
    'temperature',
    'max_tokens',
    'created_at',
    'updated_at',
    'is_active',
    'metadata',
  ],
  session: ['id', 'title', 'model_name', 'agent_id', 'created_at', 'updated_at', 'is_archived', 'metadata'],
  message: ['id', 'session_id', 'role', 'content', 'model_name', 'created_at', 'metadata'],
  execution: [
    'id',
    'agent_id',
    'session_id',
    'input',
    'output',
    'status',
    'started_at',
    'completed_at',
    'error_message',
    'metadata',
  ],
}

/** The columns that are no text. */
const NUMBERS = new Set(['temperature', 'max_tokens', 'is_active', 'is_archived'])

/** The column that holds JSON text; where a line has it, it is the last. */
const METADATA = 'metadata'
const MARKER = `,"${METADATA}":`

/** One row as a line. Everything comes back exactly: times as they are stored, and metadata by its very characters. */
export function writeLine(type: LineType, row: Record<string, unknown>): string {
  const columns = LINE_COLUMNS[type]
  const plain = columns.filter((name) => name !== METADATA).map((name) => [name, row[name]])
  const line = JSON.stringify({ type, ...Object.fromEntries(plain) })
  if (plain.length === columns.length) return `${line}\n`
  return `${line.slice(0, -1)}${MARKER}${metadataOut(row[METADATA])}}\n`
}

/** The columns of a kind of line for a SELECT, numbers such that they come back exactly. */
export function exactColumns(type: LineType, table: string): string {
  return LINE_COLUMNS[type].map((name) => `${exactColumn(name, `${table}.${name}`)} AS ${name}`).join(', ')
}

/**
 * Numbers that JSON or its readers would change go as text, of which the column makes the same number again: infinite
 * ones, whole ones beyond 2^53, and those in a column of times, where a reader expects text.
 */
function exactColumn(name: string, column: string): string {
  const isNumber = NUMBERS.has(name)
  if (!isNumber && !name.endsWith('_at')) return column
  const safe = isNumber ? `${column} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}` : '0'
  return `CASE typeof(${column})
    WHEN 'integer' THEN iif(${safe}, ${column}, CAST(${column} AS TEXT))
    WHEN 'real' THEN iif(abs(${column}) = 9e999, iif(${column} > 0, '9e999', '-9e999'),
      ${isNumber ? column : `printf('%!.17g', ${column})`})
    ELSE ${column} END`
}

const textOfMessage = (name: string) =>
  `iif(typeof(m.${name}) = 'blob', CAST(m.${name} AS TEXT), ${exactColumn(name, `m.${name}`)})`

/**
 * The same for a message `m`, as an expression of SQL whose value is bytes: SQLite escapes text just as JavaScript does.
 * It fails for a row with bytes where text belongs.
 */
export const MESSAGE_LINE = messageLine((name) =>
  name === 'created_at' ? `iif(typeof(m.${name}) = 'text', m.${name}, ${textOfMessage(name)})` : `m.${name}`,
)

/** The same for any row, which takes longer. */
export const ANY_MESSAGE_LINE = messageLine(textOfMessage)

function messageLine(textOf: (name: string) => string): string {
  const metadata = textOf(METADATA)
  const plain = LINE_COLUMNS.message.filter((name) => name !== METADATA)
  return `CAST('{"type":"message"' || ${plain.map((name) => `',"${name}":' || json_quote(${textOf(name)})`).join(' || ')}
    || '${MARKER}' || CASE
      WHEN json_valid(${metadata}) AND json(${metadata}) = ${metadata} AND json_type(${metadata}) IN ('object', 'array')
      THEN ${metadata} ELSE json_quote(${metadata}) END || '}' || char(10) AS BLOB)`
}

/** Metadata as a value where it is an object or array without space between its parts, else as text. */
function metadataOut(stored: unknown): string {
  const isValue = typeof stored === 'string' && /^[[{]/.test(stored) && isJson(stored) && !hasSpace(stored)
  return isValue ? stored : JSON.stringify(stored ?? null)
}

const hasSpace = (json: string) => /\s/.test(json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, ''))

/** The stored text of metadata: the characters of the line where it is one of ours, else what its value gives. */
function metadataIn(value: unknown, line: string): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null
  const text = compact(value)
  if (line.endsWith(`${MARKER}${text}}`)) return text
  const at = line.indexOf(MARKER)
  const written = line
    .trimEnd()
    .slice(at + MARKER.length, -1)
    .trim()
  return at >= 0 && isJson(written) ? written : text
}

/** Throws INVALID for what is nested deeper than JSON can be written. */
function compact(value: object): string {
  try {
    return JSON.stringify(value)
  } catch {
    throw invalid('metadata is nested too deep')
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whether a value is the first line of an export of ours. */
export function isJsonlHeader(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'libreollama_db_export' in value
}

/** A chat of which a line is refused: it does not come in at all. */
export class RefusedChat extends AppError {
  /** Its id. */
  readonly id: string

  constructor(id: string, cause: AppError) {
    super(cause.code, cause.message, { hint: cause.hint, cause })
    this.id = id
  }
}

/** Gathers lines into what can be written at once: a session with all its messages, which follow it. */
export class LineReader {
  #session: Extract<ImportItem, { kind: 'session' }> | undefined
  /** The session that was refused last: the messages that follow it are part of what was refused. */
  #refused: string | undefined;

  /**
   * Takes a line, as a value and as it is written; gives what is complete now. Throws INVALID for a line that is none of
   * the form; a RefusedChat, where it belongs to one.
   */
  *take(value: unknown, text: string): Generator<ImportItem> {
    if (isJsonlHeader(value)) return
    if (!isLine(value)) throw invalid('a line has no type that is known')
    const { type } = value
    const id = type === 'message' ? value.session_id : undefined
    if (id !== undefined && id === this.#refused) return
    let row: ImportRow
    try {
      row = rowOf(type, value, text)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (type === 'message') throw this.#refuse(error, id)
      yield* this.end()
      if (type !== 'session' || typeof value.id !== 'string') throw error
      this.#refused = value.id
      throw new RefusedChat(value.id, error)
    }
    const session = this.#session
    if (session && type === 'message' && session.id === row.get('session_id')) {
      session.rows.messages.push(row)
      return
    }
    yield* this.end()
    if (type === 'message') throw invalid(`message ${String(row.get('id'))} does not follow its session`)
    if (type === 'session')
      this.#session = { kind: 'session', id: String(row.get('id')), rows: { session: row, messages: [] } }
    else yield { kind: 'record', table: LINE_TABLES[type] as RecordTable, row }
  }

  /** Gives up the chat that is being read, of which a line is broken; its id. */
  refuseCurrent(): string | undefined {
    const id = this.#session?.id
    this.#session = undefined
    this.#refused = id
    return id
  }

  /** The error for a line of the session `of`, or of the one that is being read, which it takes along. */
  #refuse(error: AppError, of: unknown = this.#session?.id): AppError {
    if (of !== this.#session?.id) return error
    const id = this.refuseCurrent()
    return id === undefined ? error : new RefusedChat(id, error)
  }

  /** Gives what is left after the last line. */
  *end(): Generator<ImportItem> {
    const session = this.#session
    this.#session = undefined
    this.#refused = undefined
    if (session) yield session
  }
}

/** Throws INVALID for the first line of an export whose form is newer than what is known here. */
export function checkHeader(value: unknown): void {
  const { libreollama_db_export: version } = value as { libreollama_db_export: unknown }
  if (version !== JSONL_HEADER.libreollama_db_export)
    throw new AppError(
      'INVALID',
      `it was written in version ${String(version)} of the form, which is not known here`,
      {
        hint: 'update libreollama-db, and import it again',
      },
    )
}

function isLine(value: unknown): value is { type: LineType } & Record<string, unknown> {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false
  return typeof value.type === 'string' && Object.hasOwn(LINE_TABLES, value.type)
}

/** The columns that need a value, beside the key. */
const REQUIRED: Record<LineType, readonly string[]> = {
  setting: ['value'],
  agent: ['name', 'model_name'],
  session: ['title', 'created_at', 'updated_at'],
  message: ['session_id', 'role', 'content', 'created_at'],
  execution: ['agent_id', 'input', 'status', 'started_at'],
}

function rowOf(type: LineType, line: Record<string, unknown>, text: string): ImportRow {
  const row: ImportRow = new Map()
  const [key = ''] = LINE_COLUMNS[type]
  for (const name of LINE_COLUMNS[type]) {
    const value = name === METADATA ? metadataIn(line[name], text) : (line[name] ?? null)
    if (!fits(name, value)) throw invalid(`${type} ${name} is no ${NUMBERS.has(name) ? 'number' : 'text'}`)
    if (value === null && (name === key || REQUIRED[type].includes(name)))
      throw invalid(`a ${type} has no ${name}`)
    row.set(name, inexact(value) ? String(value) : value)
  }
  const role = row.get('role')
  if (type === 'message' && !ROLES.has(role)) throw invalid(`a message has the role ${JSON.stringify(role)}`)
  return row
}

/** What the database takes for the role of a message. */
const ROLES = new Set<unknown>(['user', 'assistant', 'system'])

/** Whether a number would not reach the database as it is, so that it goes as text. */
const inexact = (value: Value) => Number.isInteger(value) && !Number.isSafeInteger(value)

/** Numbers may come as text, where JSON could not carry them; the column makes the same number of it. */
function fits(name: string, value: unknown): value is Value {
  if (value === null) return true
  if (NUMBERS.has(name) && (typeof value === 'boolean' || Number.isFinite(value))) return true
  return typeof value === 'string' && value.isWellFormed()
}

function invalid(what: string): AppError {
  return new AppError('INVALID', `this is not an export of libreollama-db: ${what}`, {
    hint: 'libreollama-db export --format jsonl makes one',
  })
}
