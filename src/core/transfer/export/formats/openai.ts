import type { ExportedChat } from '../exported-chats.ts'
import type { ChatFormat, ExportOptions } from './export-format.ts'
import { jsonText } from './json-text.ts'
import { answeredTurns, outlineOf, UNANSWERED } from './training.ts'

/**
 * OpenAI's fine-tuning JSONL: a line `{"messages":[{"role","content"}]}` for each chat with an answer. Empty
 * messages are left out, and so is everything after the last answer: there is nothing to learn from it.
 */
export const openai: ChatFormat = { name: 'openai', extension: 'jsonl', write, readings: 2 }

async function* write(
  chats: AsyncIterable<ExportedChat>,
  { onSkipped = () => {} }: ExportOptions = {},
): AsyncGenerator<string> {
  for await (const chat of chats) {
    const outline = await outlineOf(chat)
    if (outline.answered === 0) {
      onSkipped(chat.session.id, UNANSWERED)
      continue
    }
    let before = '{"messages":['
    for await (const { role, content } of answeredTurns(chat, outline)) {
      yield `${before}${jsonText({ role, content })}`
      before = ','
    }
    yield ']}\n'
  }
}
