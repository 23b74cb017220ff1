import { AppError } from '../../../errors.ts'
import type { ExportFormat } from './export-format.ts'

const FORMATS: Record<string, () => Promise<ExportFormat>> = {
  jsonl: async () => (await import('./jsonl.ts')).jsonl,
  json: async () => (await import('./json.ts')).json,
  markdown: async () => (await import('./markdown.ts')).markdown,
  html: async () => (await import('./html.ts')).html,
  csv: async () => (await import('./csv.ts')).csv,
  openwebui: async () => (await import('./openwebui.ts')).openwebui,
  openai: async () => (await import('./openai.ts')).openai,
  sharegpt: async () => (await import('./sharegpt.ts')).sharegpt,
}

/** The names of the export formats for chats. */
export const EXPORT_FORMAT_NAMES: readonly string[] = Object.keys(FORMATS)

/** Loads the format of this name. Throws USAGE for an unknown name. */
export async function loadExportFormat(name: string): Promise<ExportFormat> {
  const load = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
  if (load) return load()
  throw new AppError('USAGE', `there is no export format ${JSON.stringify(name)}`, {
    hint: `the formats are: ${EXPORT_FORMAT_NAMES.join(', ')}`,
  })
}
