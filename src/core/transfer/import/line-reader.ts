import type { Value } from '../../engine/connection.ts'
import { AppError } from '../../errors.ts'
import { Refused } from '../conversation.ts'
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
import type { ImportItem, RecordTable, Refusal, SessionItem } from './import-items.ts'
import type { ImportRow } from './rows.ts'

/** A line that cannot be imported, or the chat to which it belongs. */
export interface LineRefusal extends Refusal {
  kind: 'refused'
}

/**
 * Collects the lines of a file into units that can be written together: a session with all its messages,
 * which follow it.
 */
export class LineReader {
  readonly #file: string
  #session: SessionItem | undefined
  /** The last refused session: the messages that follow it are refused with it. */
  #refused: string | undefined
  /** The number of the most recent line. */
  #at: number | undefined

  constructor(file: string) {
    this.#file = file
  }

  /**
   * Reads a line, as a value and as text, with its number; yields what is complete by now, and what is
   * refused.
   */
  *take(value: unknown, text: string, at?: number): Generator<ImportItem | LineRefusal> {
    this.#at = at
    if (isJsonlHeader(value)) return
    if (value instanceof Refused) return yield this.#refuse(value.message, this.#session?.id)
    if (!isLine(value)) return yield this.#refuse(NOT_OURS('a line has no type that is known'))
    const { type } = value
    if (type === 'message' && value.session_id !== undefined && value.session_id === this.#refused) return
    const row = rowOf(type, value, text)
    if (type === 'message') return yield* this.#takeMessage(row, value.session_id)
    yield* this.end()
    if (typeof row === 'string') {
      const chat = type === 'session' && typeof value.id === 'string' ? value.id : undefined
      yield this.#refuse(row, chat)
    } else if (type === 'session')
      this.#session = {
        kind: 'session',
        file: this.#file,
        id: String(row.get('id')),
        rows: { session: row, messages: [] },
      }
    else yield { kind: 'record', file: this.#file, table: LINE_TABLES[type] as RecordTable, row }
  }

  *#takeMessage(row: ImportRow | string, of: unknown): Generator<ImportItem | LineRefusal> {
    const session = this.#session
    if (typeof row === 'string') {
      yield this.#refuse(row, of === undefined || of === session?.id ? session?.id : undefined)
    } else if (session && session.id === row.get('session_id')) {
      session.rows.messages.push(row)
    } else {
      yield* this.end()
      yield this.#refuse(NOT_OURS(`message ${String(row.get('id'))} does not follow its session`))
    }
  }

  /** Refuses a line, with its chat if it is part of one. */
  #refuse(reason: string, chat?: string): LineRefusal {
    if (chat !== undefined) {
      this.#session = undefined
      this.#refused = chat
    }
    return { kind: 'refused', file: this.#file, line: this.#at, id: chat ?? null, reason }
  }

  /** Yields what is left after the last line. */
  *end(): Generator<ImportItem> {
    const session = this.#session
    this.#session = undefined
    this.#refused = undefined
    if (session) yield session
  }
}

/** Throws INVALID for the first line of an export whose version is newer than this program knows. */
export function checkHeader(value: unknown): void {
  const { libreollama_db_export: version } = value as { libreollama_db_export: unknown }
  if (version !== JSONL_HEADER.libreollama_db_export)
    throw new AppError(
      'INVALID',
      `it was written in version ${String(version)} of the form, which is not known here`,
      {
        hint: 'update this program, and import it again',
      },
    )
}

function isLine(value: unknown): value is { type: LineType } & Record<string, unknown> {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false
  return typeof value.type === 'string' && Object.hasOwn(LINE_TABLES, value.type)
}

/** The columns that need a value, besides the key. */
const REQUIRED: Record<LineType, readonly string[]> = {
  setting: ['value'],
  agent: ['name', 'model_name'],
  session: ['title', 'created_at', 'updated_at'],
  message: ['session_id', 'role', 'content', 'created_at'],
  execution: ['agent_id', 'input', 'status', 'started_at'],
}

/** Returns the row of a line, or the reason to refuse it. */
export function rowOf(type: LineType, line: Record<string, unknown>, text: string): ImportRow | string {
  const row: ImportRow = new Map()
  const [key = ''] = LINE_COLUMNS[type]
  for (const name of LINE_COLUMNS[type]) {
    const value = name === METADATA ? metadataIn(line[name], text) : (line[name] ?? null)
    if (value === undefined) return NOT_OURS('metadata is nested too deep')
    if (typeof value === 'string' && !value.isWellFormed())
      return `${type} ${name} contains half of a surrogate pair, which UTF-8 cannot hold`
    if (!fits(name, value)) return NOT_OURS(`${type} ${name} is no ${NUMBERS.has(name) ? 'number' : 'text'}`)
    if (value === null && (name === key || REQUIRED[type].includes(name)))
      return NOT_OURS(`a ${type} has no ${name}`)
    row.set(name, inexact(value) ? String(value) : value)
  }
  const role = row.get('role')
  if (type === 'message' && !ROLES.has(role))
    return NOT_OURS(`a message has the role ${JSON.stringify(role)}`)
  return row
}

const NOT_OURS = (what: string) => `this is not a jsonl export of this program: ${what}`

/** The roles of a message that the database accepts. */
const ROLES = new Set<unknown>(['user', 'assistant', 'system'])

/** Returns true when a number would not reach the database unchanged, so that it is passed as text. */
const inexact = (value: Value) => Number.isInteger(value) && !Number.isSafeInteger(value)

/**
 * Returns true when a column accepts a value. Numbers may be text, when JSON could not represent them; the
 * column converts them to the same number.
 */
function fits(name: string, value: unknown): value is Value {
  if (value === null) return true
  if (NUMBERS.has(name) && (typeof value === 'boolean' || Number.isFinite(value))) return true
  return typeof value === 'string'
}

/**
 * Returns the text of metadata to store: the characters of the line when it is one of this program, otherwise
 * the JSON of its value; undefined for a value nested too deep for JSON.
 */
function metadataIn(value: unknown, line: string): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null
  const text = compact(value)
  if (text === undefined) return undefined
  if (line.endsWith(`${MARKER}${text}}`)) return text
  const at = line.indexOf(MARKER)
  const written = line
    .trimEnd()
    .slice(at + MARKER.length, -1)
    .trim()
  return at >= 0 && isJson(written) ? written : text
}

function compact(value: object): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
