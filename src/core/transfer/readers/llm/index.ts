import type { ImportFormat } from '../../import/import-format.ts'
import { isLlm, readLlm } from './llm.ts'

export const llm = {
  name: 'llm',
  database: { recognizes: isLlm, read: (connection) => readLlm(connection) },
} as const satisfies ImportFormat
