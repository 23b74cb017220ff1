import type { Value } from '../../connection.ts'
import { AppError } from '../../errors.ts'
import {
  isJson,
  isJsonlHeader,
  JSONL_HEADER,
  LINE_COLUMNS,
  LINE_TABLES,
  type LineType,
  MARKER,
  METADATA,
  NUMBERS,
} from '../jsonl.ts'
import type { ImportItem, RecordTable } from './import-items.ts'
import type { ImportRow } from './rows.ts'

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
