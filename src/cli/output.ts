import { AppError } from '../core/errors.ts'
import { type Output, write } from './host.ts'
import { type Style, safe } from './terminal.ts'

export type Format = 'table' | 'json' | 'ndjson' | 'csv'
export const FORMATS: readonly Format[] = ['table', 'json', 'ndjson', 'csv']

/** How a command's result is shown. The columns are those of its rows: the result itself, or a list inside it. */
export interface View<T> {
  /** Names of the columns, as in JSON. */
  fields: readonly string[]
  /** The property that holds the rows, for a result that is a record around a list. */
  rows?: keyof T & string
  /** What a person reads instead of a table. */
  text?: (result: T, style: Style) => string
}

export type Print<T> = (result: T) => Promise<void>

export interface OutputOptions {
  format: Format
  stream: Output
  style: Style
  /** The columns that were asked for; all when undefined. */
  fields?: string[]
}

type Row = Record<string, unknown>

/** Decides once how results are printed. Throws USAGE for a field that the view does not have, before any work. */
export function createPrinter<T>(view: View<T>, options: OutputOptions): Print<T> {
  const unknown = options.fields?.find((field) => !view.fields.includes(field))
  if (unknown !== undefined) {
    throw new AppError('USAGE', `there is no field ${JSON.stringify(unknown)}`, {
      hint: `the fields are: ${view.fields.join(',')}`,
    })
  }
  const render = RENDERERS[options.format] as (
    result: T,
    view: View<T>,
    options: OutputOptions,
  ) => Promise<string>
  return async (result) => write(options.stream, await render(result, view, options))
}

const RENDERERS = { table: renderTable, json: renderJson, ndjson: renderNdjson, csv: renderCsv }

async function renderJson<T>(result: T, view: View<T>, options: OutputOptions): Promise<string> {
  const rows = rowsOf(result, view, options)
  const whole = view.rows ? { ...result, [view.rows]: rows } : Array.isArray(result) ? rows : rows[0]
  return `${JSON.stringify(whole, null, options.stream.isTTY ? 2 : undefined)}\n`
}

async function renderNdjson<T>(result: T, view: View<T>, options: OutputOptions): Promise<string> {
  return rowsOf(result, view, options)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('')
}

async function renderCsv<T>(result: T, view: View<T>, options: OutputOptions): Promise<string> {
  const fields = options.fields ?? view.fields
  const lines = rowsOf(result, view, options).map((row) => fields.map((field) => row[field]))
  return [fields, ...lines].map((line) => `${line.map(csvCell).join(',')}\n`).join('')
}

function csvCell(value: unknown): string {
  const text = cellText(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

async function renderTable<T>(result: T, view: View<T>, options: OutputOptions): Promise<string> {
  if (view.text && !options.fields) return view.text(result, options.style)
  const rows = rowsOf(result, view, options)
  if (rows.length === 0) return `${options.style.dim('(none)')}\n`
  const fields = options.fields ?? view.fields
  const { drawTable } = await import('./table.ts')
  const single = !view.rows && !Array.isArray(result)
  return single
    ? drawTable(
        undefined,
        fields.map((field) => [field, safe(cellText(rows[0]?.[field]))]),
        options.style,
      )
    : drawTable(
        [...fields],
        rows.map((row) => fields.map((field) => safe(cellText(row[field])))),
        options.style,
      )
}

function rowsOf<T>(result: T, view: View<T>, { fields = [...view.fields] }: OutputOptions): Row[] {
  const rows = (view.rows ? result[view.rows] : Array.isArray(result) ? result : [result]) as Row[]
  return rows.map((row) => Object.fromEntries(fields.map((field) => [field, row[field]])))
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
