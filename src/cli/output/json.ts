import { jsonText } from '../../core/transfer/export/formats/json-text.ts'
import type { OutputFormat } from './output-format.ts'
import { type OutputOptions, type Row, rowsOf, type View } from './view.ts'
import { writeAll } from './write-all.ts'

/** One JSON value. Printed whole or, when a later page cannot be read, not at all. */
export const json: OutputFormat = {
  render,
  printPages: (view, options) => async (pages) => {
    const rows: Row[] = []
    for await (const page of pages) rows.push(...page)
    await writeAll(options.stream, await render(rows, view, options))
  },
}

async function render<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]> {
  const rows = rowsOf(result, view, options)
  const indent = options.stream.isTTY ? 2 : undefined
  if (!view.rows && Array.isArray(result)) return jsonArray(rows, indent)
  const whole = view.rows ? { ...result, [view.rows]: rows } : rows[0]
  return [jsonText(whole, indent), '\n']
}

/** Rows as one JSON array, in pieces: all together may be longer than one text can be. */
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
