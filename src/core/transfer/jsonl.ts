import { guardedText } from '../query/longest-text.ts'
import { agent } from '../records/entities/agent.ts'
import { execution } from '../records/entities/execution.ts'
import { message } from '../records/entities/message.ts'
import { session } from '../records/entities/session.ts'
import { setting } from '../records/entities/setting.ts'
import type { Entity } from '../records/entity.ts'

/** The name and version of the format, in the first line; `whole` means that nothing was left out. */
export const JSONL_HEADER = { libreollama_db_export: 1 }

/** Returns true when a text begins like an export that nobody has changed: each of its lines is one value. */
export function startsAsJsonl(text: string): boolean {
  return text.startsWith(JSON.stringify(JSONL_HEADER).slice(0, -1))
}

/** Returns true when a first line declares that the whole database follows. */
export function isWholeExport(value: unknown): boolean {
  return isJsonlHeader(value) && (value as { whole?: unknown }).whole === true
}

/** The entities whose records are lines, by the type of their lines, in the order of a file. */
const LINE_ENTITIES = { setting, agent, session, message, execution }

export type LineType = keyof typeof LINE_ENTITIES

const ofEachLine = <T>(make: (entity: Entity) => T) =>
  Object.fromEntries(Object.entries(LINE_ENTITIES).map(([type, entity]) => [type, make(entity)])) as Record<
    LineType,
    T
  >

/** The tables, by the name of the lines that hold their rows. */
export const LINE_TABLES = ofEachLine(({ table }) => table)

/** The columns of each kind of line, in the order of their declaration. */
export const LINE_COLUMNS = ofEachLine(({ columns }): readonly string[] => columns.map(({ name }) => name))

/** The columns that are no text. */
export const NUMBERS: ReadonlySet<string> = new Set(
  Object.values(LINE_ENTITIES)
    .flatMap(({ columns }) => columns)
    .filter(({ kind }) => kind === 'integer' || kind === 'real' || kind === 'boolean')
    .map(({ name }) => name),
)

/** The column that holds JSON text; in a line that has it, it is the last one. */
export const METADATA = 'metadata'
/** The characters before its value in a line. */
export const MARKER = `,"${METADATA}":`

/**
 * Formats one row as a line. Everything round-trips exactly: times as stored, and metadata character by
 * character.
 */
export function writeLine(type: LineType, row: Record<string, unknown>): string {
  const members = LINE_COLUMNS[type].map((name) =>
    name === METADATA ? `${MARKER}${metadataOut(row[name])}` : `,"${name}":${JSON.stringify(row[name])}`,
  )
  return `{"type":"${type}"${members.join('')}}\n`
}

/** Returns the columns of a kind of line for a SELECT, with numbers in a form that round-trips exactly. */
export function exactColumns(type: LineType, table: string): string {
  return LINE_COLUMNS[type].map((name) => `${exactColumn(name, `${table}.${name}`)} AS ${name}`).join(', ')
}

/**
 * Returns a column in which numbers that JSON or its readers would change are text, which the target column
 * converts back to the same number: infinite ones, whole ones beyond 2^53, and those in a time column, where
 * a reader expects text.
 */
function exactColumn(name: string, column: string): string {
  const isNumber = NUMBERS.has(name)
  if (!isNumber && !name.endsWith('_at')) return guardedText(column)
  const safe = isNumber ? `${column} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}` : '0'
  return `CASE typeof(${column})
    WHEN 'integer' THEN iif(${safe}, ${column}, CAST(${column} AS TEXT))
    WHEN 'real' THEN iif(abs(${column}) = 9e999, iif(${column} > 0, '9e999', '-9e999'),
      ${isNumber ? column : `printf('%!.17g', ${column})`})
    ELSE ${column} END`
}

const textOfMessage = (name: string) =>
  `iif(typeof(m.${name}) = 'blob', CAST(m.${name} AS TEXT), ${name.endsWith('_at') ? exactColumn(name, `m.${name}`) : `m.${name}`})`

/**
 * The same line for a message `m`, as an SQL expression: SQLite escapes text exactly as JavaScript does. It
 * fails for a row with bytes instead of text, and for metadata that only begins like JSON.
 */
export const MESSAGE_LINE = messageLine(
  (name) =>
    name === 'created_at'
      ? `iif(typeof(m.${name}) = 'text', m.${name}, ${textOfMessage(name)})`
      : `m.${name}`,
  (metadata) => `${metadata} GLOB '[[{]*' AND json(${metadata}) = ${metadata}`,
)

/** The same expression for any row, which is slower. */
export const ANY_MESSAGE_LINE = messageLine(
  textOfMessage,
  (metadata) => `json_valid(${metadata}) AND json(${metadata}) = ${metadata} AND ${metadata} GLOB '[[{]*'`,
)

/** Builds the expression; `isValue` tests metadata as `metadataOut` does. */
function messageLine(textOf: (name: string) => string, isValue: (metadata: string) => string): string {
  const metadata = textOf(METADATA)
  const plain = LINE_COLUMNS.message.filter((name) => name !== METADATA)
  return `concat('{"type":"message"', ${plain.map((name) => `',"${name}":', json_quote(${textOf(name)})`).join(', ')},
    '${MARKER}', iif(${isValue(metadata)}, ${metadata}, json_quote(${metadata})), '}', char(10))`
}

/**
 * Returns metadata as a value when it is an object or array without space between its parts, otherwise as
 * text.
 */
function metadataOut(stored: unknown): string {
  const isValue = typeof stored === 'string' && /^[[{]/.test(stored) && isJson(stored) && !hasSpace(stored)
  return isValue ? stored : JSON.stringify(stored ?? null)
}

const hasSpace = (json: string) => /\s/.test(json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, ''))

/** Returns true when a text is JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Returns true when a value is the first line of an export of this program. */
export function isJsonlHeader(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'libreollama_db_export' in value
}
