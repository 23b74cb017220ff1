import { conversations, type ImportFormat } from '../../import/import-format.ts'
import { isLibreOllama, readLibreOllama } from './libreollama.ts'
import { looksLikeLibreOllamaExport, readLibreOllamaExport } from './libreollama-export.ts'

export const libreollama = {
  name: 'libreollama',
  json: conversations(looksLikeLibreOllamaExport, (value, _file, { timeZone }) =>
    readLibreOllamaExport(value, timeZone),
  ),
  database: {
    recognizes: isLibreOllama,
    read: (connection, { timeZone }) => readLibreOllama(connection, { timeZone }),
  },
} as const satisfies ImportFormat
