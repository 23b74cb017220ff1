import { jsonText } from '../../core/transfer/export/formats/json-text.ts'
import { hasNoReader } from '../host.ts'
import type { OutputFormat } from './output-format.ts'
import { type OutputOptions, rowsOf, type View } from './view.ts'
import { writeAll } from './write-all.ts'

/** A JSON value on each line. */
export const ndjson: OutputFormat = {
  render,
  printPages: (view, options) => async (pages) => {
    for await (const page of pages) {
      await writeAll(options.stream, await render(page, view, options))
      if (hasNoReader(options.stream)) return
    }
  },
}

async function render<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]> {
  return rowsOf(result, view, options).flatMap((row) => [jsonText(row), '\n'])
}
