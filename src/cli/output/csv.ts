import { hasNoReader } from '../host.ts'
import { safeLine } from '../terminal.ts'
import type { OutputFormat } from './output-format.ts'
import { cellText, type OutputOptions, rowsOf, type View } from './view.ts'
import { writeAll } from './write-all.ts'

/** Comma-separated values, RFC 4180, with the names of the columns first. */
export const csv: OutputFormat = {
  render,
  printPages: (view, options) => async (pages) => {
    await writeAll(options.stream, await render([], view, options))
    for await (const page of pages) {
      const [_head, ...rows] = await render(page, view, options)
      await writeAll(options.stream, rows)
      if (hasNoReader(options.stream)) return
    }
  },
}

async function render<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]> {
  const fields = options.fields ?? view.fields
  const lines = rowsOf(result, view, options).map((row) => fields.map((field) => row[field]))
  const cell = (value: unknown) => csvCell(options.stream.isTTY ? safeLine(cellText(value)) : cellText(value))
  return fields.length === 0 ? [] : [fields, ...lines].map((line) => `${line.map(cell).join(',')}\n`)
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
