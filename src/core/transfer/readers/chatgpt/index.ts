import { conversations, type ImportFormat } from '../../import/import-format.ts'
import { looksLikeChatGPT, readChatGPT } from './chatgpt.ts'

export const chatgpt = {
  name: 'chatgpt',
  json: conversations(looksLikeChatGPT, (value) => readChatGPT(value)),
} as const satisfies ImportFormat
