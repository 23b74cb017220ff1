import { chatgpt } from '../readers/chatgpt/index.ts'
import { claude } from '../readers/claude/index.ts'
import { libreollama } from '../readers/libreollama/index.ts'
import { llm } from '../readers/llm/index.ts'
import { lmstudio } from '../readers/lmstudio/index.ts'
import { ollama } from '../readers/ollama/index.ts'
import { openwebui } from '../readers/openwebui/index.ts'
import type { ImportFormat } from './import-format.ts'
import { jsonl } from './jsonl-format.ts'

/** Every format that can be imported, in the order in which they are tried; a further one is a folder and a name here. */
export const IMPORT_FORMATS = [
  jsonl,
  lmstudio,
  libreollama,
  chatgpt,
  openwebui,
  claude,
  llm,
  ollama,
] as const satisfies readonly ImportFormat[]

export type SourceName = (typeof IMPORT_FORMATS)[number]['name']

/** The names of the formats that can be imported. */
export const SOURCES: readonly SourceName[] = IMPORT_FORMATS.map(({ name }) => name)
