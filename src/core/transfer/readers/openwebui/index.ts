import { conversations, type ImportFormat } from '../../import/import-format.ts'
import { looksLikeOpenWebUI, readOpenWebUI } from './openwebui.ts'
import { isOpenWebUiDatabase, readOpenWebUiDatabase } from './openwebui-database.ts'

export const openwebui = {
  name: 'openwebui',
  json: conversations(looksLikeOpenWebUI, (value) => readOpenWebUI(value)),
  database: {
    recognizes: isOpenWebUiDatabase,
    read: (connection) => readOpenWebUiDatabase(connection, readOpenWebUI),
  },
} as const satisfies ImportFormat
