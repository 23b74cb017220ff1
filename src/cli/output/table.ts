import { hasNoReader, write } from '../host.ts'
import { safe, safeValue } from '../terminal.ts'
import type { OutputFormat } from './output-format.ts'
import { cellText, type OutputOptions, type Row, rowsOf, type View } from './view.ts'

/** What a person reads: the text of a view, or a table as wide as the terminal. */
export const table: OutputFormat = {
  render: async (result, view, options) => [await tableText(result, view, options)],
  printPages: (view, options) => async (pages) => {
    const draw = await createTable(view, options)
    let drawn = false
    for await (const page of pages) {
      await write(options.stream, draw(page))
      if (hasNoReader(options.stream)) return
      drawn = true
    }
    if (!drawn) await write(options.stream, draw.empty)
  },
}

async function tableText<T>(result: T, view: View<T>, options: OutputOptions): Promise<string> {
  if (view.text && !options.fields) {
    const words = view.words?.(result) ?? result
    const isExact = view.verbatim && !options.stream.isTTY
    return view.text(isExact ? words : safeValue(words, view.blocks ?? []), options.style)
  }
  const rows = rowsOf(result, view, options)
  if (view.rows || Array.isArray(result))
    return createTable(view, options).then((draw) => draw(rows) || draw.empty)
  const { drawTable, fittingWidths } = await import('./draw-table.ts')
  const fields = options.fields ?? view.fields
  const lines = fields.map((field) => [cellLine(field), cellOf(view, field, rows[0]?.[field])])
  return drawTable(undefined, lines, fittingWidths(lines, options.style.width), options.style)
}

/** Draws a table page by page; the first page decides how wide its columns are. */
async function createTable<T>(view: View<T>, { fields, style }: OutputOptions) {
  const { drawTable, fittingWidths, tableWidth } = await import('./draw-table.ts')
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

/** No cell shows more; what is cut is told by an ellipsis. */
const LONGEST_CELL = 400

function cellOf<T>(view: View<T>, field: string, value: unknown, short = false): string {
  const text = (view.cell ?? ((_field, other) => cellText(other)))(field, value, short)
  const cut = text.length > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL).toWellFormed()}…` : text
  return cellLine(cut)
}

/** Text for one line of a table. */
const cellLine = (text: string) => safe(text.replace(/\s+/g, ' '))
