import { jsonText } from './json-text.ts'
import type { ExportedChat, ExportFormat, ExportOptions } from './shape.ts'
import { type Turn, trainingTurns } from './training.ts'

/**
 * OpenAI's fine-tuning JSONL: a line `{"messages":[{"role","content"}]}` for each chat with an answer. Empty messages
 * are left out, and so is what comes after the last answer: there is nothing to learn from it.
 */
export const openai: ExportFormat = { name: 'openai', extension: 'jsonl', write }

async function* write(
  chats: AsyncIterable<ExportedChat>,
  { onSkipped = () => {} }: ExportOptions = {},
): AsyncGenerator<string> {
  for await (const chat of chats) {
    let separator = '{"messages":['
    let unanswered: Turn[] = []
    for await (const turn of trainingTurns(chat)) {
      unanswered.push(turn)
      if (turn.role !== 'assistant') continue
      yield `${separator}${unanswered.map(({ role, content }) => jsonText({ role, content })).join(',')}`
      separator = ','
      unanswered = []
    }
    if (separator === ',') yield ']}\n'
    else onSkipped(chat.session.id, 'it has no answer of the assistant to learn from')
  }
}
