import type { ImportFormat } from '../../import/import-format.ts'
import { isOllama, readOllama } from './ollama.ts'

export const ollama = {
  name: 'ollama',
  database: { recognizes: isOllama, read: (connection) => readOllama(connection) },
} as const satisfies ImportFormat
