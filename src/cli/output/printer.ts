import { AppError } from '../../core/errors.ts'
import { withinLimits } from '../../core/query/longest-text.ts'
import { type Format, OUTPUT_FORMATS } from './index.ts'
import type { OutputOptions, Print, Row, View } from './view.ts'
import { writeAll } from './write-all.ts'

/**
 * Decides once how results are printed. Throws USAGE for a field that the view does not have, before any
 * work.
 */
export function createPrinter<T>(format: Format, view: View<T>, options: OutputOptions): Print<T> {
  // A query without rows has no columns that are known.
  const unknown = view.fields.length
    ? options.fields?.find((field) => !view.fields.includes(field))
    : undefined
  if (unknown !== undefined) {
    throw new AppError('USAGE', `there is no field ${JSON.stringify(unknown)}`, {
      hint: `the fields are: ${view.fields.join(',')}`,
    })
  }
  return async (result) => {
    const pieces = await withinLimits(
      () => 'the result is too long to be printed at once, or nested too deeply',
      () => OUTPUT_FORMATS[format].render(result, view, options),
    )
    await writeAll(options.stream, pieces)
  }
}

/** Like createPrinter, for rows that come in pages: all formats but JSON print each page as it comes. */
export function createListPrinter(
  format: Format,
  view: View<Row[]>,
  options: OutputOptions,
): Print<AsyncIterable<Row[]>> {
  createPrinter(format, view, options)
  const print = OUTPUT_FORMATS[format].printPages(view, options)
  return (pages) =>
    withinLimits(
      () => 'a record is too long to be printed, or nested too deeply',
      () => print(pages),
    )
}
