import { AppError } from '../core/errors.ts'
import { withinLimits } from '../core/query/longest-text.ts'
import { jsonText } from '../core/transfer/export/formats/json-text.ts'
import { hasNoReader, write } from './host.ts'
import { type Output, type Style, safe, safeLine, safeValue } from './terminal.ts'

/** The output formats for results. */
export type Format = 'table' | 'json' | 'ndjson' | 'csv'
export const FORMATS: readonly Format[] = ['table', 'json', 'ndjson', 'csv']

/**
 * The presentation of a command's result. The columns are those of its rows: the result itself, or a list
 * inside it.
 */
export interface View<T> {
  /** Names of the columns, as in JSON. */
  fields: readonly string[]
  /** The property that holds the rows, for a result that is a record around a list. */
  rows?: keyof T & string
  /** Returns text to show instead of a table. The result passed in is already escaped for a terminal. */
  text?: (result: T, style: Style) => string
  /** Converts the result for `text`, before it is escaped. */
  words?: (result: T) => T
  /**
   * Describes the change in a sentence, for when the result cannot be printed; undefined when nothing
   * changed.
   */
  done?: (result: T) => string | undefined
  /** Members, at any depth, that `text` shows on several lines. In all others a newline is escaped. */
  blocks?: readonly string[]
  /** True when programs read the text too: without a terminal the result is not escaped. */
  verbatim?: boolean
  /** The columns of a table, when they are not all the fields. */
  listed?: readonly string[]
  /** Formats a value for a table, in full or, when the terminal is too narrow, shortened. */
  cell?: (field: string, value: unknown, short: boolean) => string
}

/** Prints a result; resolves when all of it is written. */
export type Print<T> = (result: T) => Promise<void>

/** Options for printing results. */
export interface OutputOptions {
  format: Format
  stream: Output
  style: Style
  /** The selected columns; all when undefined. */
  fields?: string[]
}

type Row = Record<string, unknown>

/**
 * Creates the function that prints results. Throws USAGE for a field that the view does not have, before any
 * work.
 */
export function createPrinter<T>(view: View<T>, options: OutputOptions): Print<T> {
  // The columns of a query without rows are unknown.
  const unknown = view.fields.length
    ? options.fields?.find((field) => !view.fields.includes(field))
    : undefined
  if (unknown !== undefined) {
    throw new AppError('USAGE', `there is no field ${JSON.stringify(unknown)}`, {
      hint: `the fields are: ${view.fields.join(',')}`,
    })
  }
  const render = RENDERERS[options.format] as (
    result: T,
    view: View<T>,
    options: OutputOptions,
  ) => Promise<string[]>
  return async (result) => {
    const pieces = await withinLimits(
      () => 'the result is too long to be printed at once, or nested too deeply',
      () => render(result, view, options),
    )
    await writeAll(options.stream, pieces)
  }
}

/** Characters to write at once, unless a single piece has more. */
const BLOCK = 64 * 1024

async function writeAll(stream: Output, pieces: Iterable<string>): Promise<void> {
  let block = ''
  for (const piece of pieces) {
    if (block.length + piece.length > BLOCK) {
      await write(stream, block)
      block = ''
    }
    if (piece.length > BLOCK) await write(stream, piece)
    else block += piece
  }
  await write(stream, block)
}

const RENDERERS = { table: renderTable, json: renderJson, ndjson: renderNdjson, csv: renderCsv }

async function renderJson<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]> {
  const rows = rowsOf(result, view, options)
  const indent = options.stream.isTTY ? 2 : undefined
  if (!view.rows && Array.isArray(result)) return jsonArray(rows, indent)
  const whole = view.rows ? { ...result, [view.rows]: rows } : rows[0]
  return [jsonText(whole, indent), '\n']
}

/** Formats rows as one JSON array, in pieces: together they may exceed the longest string. */
function jsonArray(rows: Row[], indent: number | undefined): string[] {
  if (rows.length === 0) return ['[]\n']
  const [open, next, close] = indent ? ['[\n  ', ',\n  ', '\n]\n'] : ['[', ',', ']\n']
  const pieces: string[] = []
  for (const row of rows) {
    const text = jsonText(row, indent)
    pieces.push(pieces.length === 0 ? open : next, indent ? text.replaceAll('\n', '\n  ') : text)
  }
  return [...pieces, close]
}

async function renderNdjson<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]> {
  return rowsOf(result, view, options).flatMap((row) => [jsonText(row), '\n'])
}

async function renderCsv<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]> {
  const fields = options.fields ?? view.fields
  const lines = rowsOf(result, view, options).map((row) => fields.map((field) => row[field]))
  const cell = (value: unknown) => csvCell(options.stream.isTTY ? safeLine(cellText(value)) : cellText(value))
  return fields.length === 0 ? [] : [fields, ...lines].map((line) => `${line.map(cell).join(',')}\n`)
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

async function renderTable<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]> {
  return [await tableText(result, view, options)]
}

async function tableText<T>(result: T, view: View<T>, options: OutputOptions): Promise<string> {
  if (view.text && !options.fields) {
    const words = view.words?.(result) ?? result
    const isExact = view.verbatim && !options.stream.isTTY
    return view.text(isExact ? words : safeValue(words, view.blocks ?? []), options.style)
  }
  const rows = rowsOf(result, view, options)
  if (view.rows || Array.isArray(result))
    return createTable(view, options).then((table) => table(rows) || table.empty)
  const { drawTable, fittingWidths } = await import('./table.ts')
  const fields = options.fields ?? view.fields
  const lines = fields.map((field) => [cellLine(field), cellOf(view, field, rows[0]?.[field])])
  return drawTable(undefined, lines, fittingWidths(lines, options.style.width), options.style)
}

/** Draws a table page by page; the first page determines the column widths. */
async function createTable<T>(view: View<T>, { fields, style }: OutputOptions) {
  const { drawTable, fittingWidths, tableWidth } = await import('./table.ts')
  let widths: number[] | undefined
  let short = false
  const draw = (rows: Row[]): string => {
    if (rows.length === 0) return ''
    const columns = [...(fields ?? (view.listed?.length ? view.listed : view.fields))]
    const head = columns.map(cellLine)
    const cells = () => rows.map((row) => columns.map((column) => cellOf(view, column, row[column], short)))
    if (widths) return drawTable(undefined, cells(), widths, style)
    short = tableWidth([head, ...cells()]) > style.width
    widths = fittingWidths([head, ...cells()], style.width)
    return drawTable(head, cells(), widths, style)
  }
  return Object.assign(draw, { empty: `${style.dim('(none)')}\n` })
}

/** The most characters in a cell; an ellipsis marks a cut. */
const LONGEST_CELL = 400

function cellOf<T>(view: View<T>, field: string, value: unknown, short = false): string {
  const text = (view.cell ?? ((_field, other) => cellText(other)))(field, value, short)
  const cut = text.length > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL).toWellFormed()}…` : text
  return cellLine(cut)
}

/** Formats text for one line of a table. */
const cellLine = (text: string) => safe(text.replace(/\s+/g, ' '))

/**
 * Creates a printer like createPrinter, for rows that come in pages: all formats but JSON print each page as
 * it arrives.
 */
export function createListPrinter(view: View<Row[]>, options: OutputOptions): Print<AsyncIterable<Row[]>> {
  createPrinter(view, options)
  const print = PAGE_PRINTERS[options.format](view, options)
  return (pages) =>
    withinLimits(
      () => 'a record is too long to be printed, or nested too deeply',
      () => print(pages),
    )
}

type PagePrinter = (view: View<Row[]>, options: OutputOptions) => Print<AsyncIterable<Row[]>>

const PAGE_PRINTERS: Record<Format, PagePrinter> = {
  ndjson: (view, options) => async (pages) => {
    for await (const page of pages) {
      await writeAll(options.stream, await renderNdjson(page, view, options))
      if (hasNoReader(options.stream)) return
    }
  },
  csv: (view, options) => async (pages) => {
    await writeAll(options.stream, await renderCsv([], view, options))
    for await (const page of pages) {
      const [_head, ...rows] = await renderCsv(page, view, options)
      await writeAll(options.stream, rows)
      if (hasNoReader(options.stream)) return
    }
  },
  // A JSON array is one value, so it is printed completely or, when a later page cannot be read, not at all.
  json: (view, options) => async (pages) => {
    const rows: Row[] = []
    for await (const page of pages) rows.push(...page)
    await writeAll(options.stream, await renderJson(rows, view, options))
  },
  table: (view, options) => async (pages) => {
    const table = await createTable(view, options)
    let drawn = false
    for await (const page of pages) {
      await write(options.stream, table(page))
      if (hasNoReader(options.stream)) return
      drawn = true
    }
    if (!drawn) await write(options.stream, table.empty)
  },
}

function rowsOf<T>(
  result: T,
  view: View<T>,
  { fields = [...view.fields] }: Pick<OutputOptions, 'fields'>,
): Row[] {
  const rows = (view.rows ? result[view.rows] : Array.isArray(result) ? result : [result]) as Row[]
  return rows.map((row) => Object.fromEntries(fields.map((field) => [field, row[field]])))
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
