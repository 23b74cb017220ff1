import type { Output, Style } from '../terminal.ts'

/**
 * How a command's result is shown. The columns are those of its rows: the result itself, or a list inside it.
 */
export interface View<T> {
  /** Names of the columns, as in JSON. */
  fields: readonly string[]
  /** The property that holds the rows, for a result that is a record around a list. */
  rows?: keyof T & string
  /** What a person reads instead of a table. The result that it gets is already escaped for a terminal. */
  text?: (result: T, style: Style) => string
  /** Converts the result for `text`, before it is escaped. */
  words?: (result: T) => T
  /** What was changed, in a sentence, for when the result cannot be printed; undefined where nothing was. */
  done?: (result: T) => string | undefined
  /** Members, at any depth, that `text` shows over several lines. In all others a newline is escaped. */
  blocks?: readonly string[]
  /** Programs read the text too: without a terminal the result is not escaped. */
  verbatim?: boolean
  /** The columns of a table, where they are not all the fields. */
  listed?: readonly string[]
  /** A value as a table shows it, at length or, where the terminal is too narrow for that, shorter. */
  cell?: (field: string, value: unknown, short: boolean) => string
}

/** Prints a result; resolves when all of it is written. */
export type Print<T> = (result: T) => Promise<void>

/** How and where results are printed. */
export interface OutputOptions {
  stream: Output
  style: Style
  /** The columns that were asked for; all when undefined. */
  fields?: string[]
}

/** A result, or one of its rows, by column. */
export type Row = Record<string, unknown>

/** The rows of a result, with the fields that were asked for. */
export function rowsOf<T>(
  result: T,
  view: View<T>,
  { fields = [...view.fields] }: Pick<OutputOptions, 'fields'>,
): Row[] {
  const rows = (view.rows ? result[view.rows] : Array.isArray(result) ? result : [result]) as Row[]
  return rows.map((row) => Object.fromEntries(fields.map((field) => [field, row[field]])))
}

/** A value as text: objects as JSON, nothing for none. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
