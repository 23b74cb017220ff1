import type { OutputOptions, Print, Row, View } from './view.ts'

/** A format that results come in. */
export interface OutputFormat {
  /** A result as pieces of text. */
  render<T>(result: T, view: View<T>, options: OutputOptions): Promise<string[]>
  /** Prints rows that come in pages, each page as it comes where the format allows that. */
  printPages(view: View<Row[]>, options: OutputOptions): Print<AsyncIterable<Row[]>>
}
