import { conversations, type ImportFormat } from '../../import/import-format.ts'
import { looksLikeClaude, readClaude } from './claude.ts'

export const claude = {
  name: 'claude',
  json: conversations(looksLikeClaude, (value) => readClaude(value)),
} as const satisfies ImportFormat
