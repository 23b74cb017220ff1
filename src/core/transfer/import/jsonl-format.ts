import { isJsonlHeader } from '../jsonl.ts'
import type { ImportFormat } from './import-format.ts'

/** Our own lossless form, of which whole chats are taken as lines. */
export const jsonl = {
  name: 'jsonl',
  json: {
    recognizes: isJsonlHeader,
    read: ({ value, text, at }) => ({ line: value, text, at }),
    takesChats: true,
  },
} as const satisfies ImportFormat
