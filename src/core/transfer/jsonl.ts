import * as z from 'zod/mini'
import type { Value } from '../connection.ts'
import { AppError } from '../errors.ts'
import { parseExactJson } from '../exact-json.ts'
import type { ImportRow } from './rows.ts'
import type { ImportItem, RecordTable } from './write-import.ts'

/** The name and version of the form, in the first line; `whole` says that nothing was left out. */
export const JSONL_HEADER = { libreollama_db_export: 1 }

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

/** One row as a line. Everything comes back exactly: times as they are stored, metadata too where JSON would change it. */
export function writeLine(type: LineType, row: Record<string, unknown>): string {
  const values = LINE_COLUMNS[type].map((name) => [
    name,
    name === 'metadata' ? metadataOut(row[name]) : row[name],
  ])
  return `${JSON.stringify({ type, ...Object.fromEntries(values) })}\n`
}

/** Metadata as a value where that gives the stored text back, else as that text. */
export function metadataOut(stored: unknown): unknown {
  if (typeof stored !== 'string') return stored ?? null
  try {
    const value = parseExactJson(stored)
    return typeof value === 'object' && value !== null && JSON.stringify(value) === stored ? value : stored
  } catch {
    return stored
  }
}

const metadataIn = (value: unknown) =>
  value === null || typeof value === 'string' ? value : JSON.stringify(value)

const LINE = z.looseObject({ type: z.enum(['setting', 'agent', 'session', 'message', 'execution']) })

/** Whether a value is the first line of an export of ours. */
export function isJsonlHeader(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'libreollama_db_export' in value
}

/** Gathers lines into what can be written at once: a session with all its messages, which follow it. */
export class LineReader {
  #session: Extract<ImportItem, { kind: 'session' }> | undefined;

  /** Takes a line; gives what is complete now. Throws INVALID for a line that is none of the form. */
  *take(value: unknown): Generator<ImportItem> {
    if (isJsonlHeader(value)) {
      const { libreollama_db_export: version } = value as { libreollama_db_export: unknown }
      if (version !== JSONL_HEADER.libreollama_db_export)
        throw invalid(`its version ${String(version)} is not known here`)
      return
    }
    const parsed = LINE.safeParse(value)
    if (!parsed.success) throw invalid('a line has no type that is known')
    const { type } = parsed.data
    const row = rowOf(type, parsed.data)
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

  /** Gives what is left after the last line. */
  *end(): Generator<ImportItem> {
    const session = this.#session
    this.#session = undefined
    if (session) yield session
  }
}

function rowOf(type: LineType, line: Record<string, unknown>): ImportRow {
  const row: ImportRow = new Map()
  for (const name of LINE_COLUMNS[type]) {
    const value = name === 'metadata' ? metadataIn(line[name] ?? null) : (line[name] ?? null)
    if (!['string', 'number', 'boolean'].includes(typeof value) && value !== null)
      throw invalid(`${type} ${name} is neither text nor number`)
    row.set(name, value as Value)
  }
  return row
}

function invalid(what: string): AppError {
  return new AppError('INVALID', `this is not an export of libreollama-db: ${what}`, {
    hint: 'libreollama-db export --format jsonl makes one',
  })
}
