import { jsonText } from './json-text.ts'
import type { ExportedChat, ExportFormat, ExportOptions } from './shape.ts'
import { type Turn, trainingTurns } from './training.ts'

/**
 * ShareGPT as JSONL: a line `{"conversations":[{"from","value"}]}` for each chat in which, after at most one system
 * message, human and gpt take turns and gpt has the last word. Messages of one role in a row become one, with an empty
 * line between them; what comes after the last answer is left out.
 */
export const sharegpt: ExportFormat = { name: 'sharegpt', extension: 'jsonl', write }

const SPEAKERS = { system: 'system', user: 'human', assistant: 'gpt' } as const

async function* write(
  chats: AsyncIterable<ExportedChat>,
  { onSkipped = () => {} }: ExportOptions = {},
): AsyncGenerator<string> {
  for await (const chat of chats) {
    const turns = await mergedTurns(chat)
    const problem = problemOf(turns)
    if (problem !== undefined) {
      onSkipped(chat.session.id, problem)
      continue
    }
    const conversations = turns.map(({ role, content }) => ({ from: SPEAKERS[role], value: content }))
    yield `${jsonText({ conversations })}\n`
  }
}

/** The turns up to the last answer, no two in a row of the same role. */
async function mergedTurns(chat: ExportedChat): Promise<Turn[]> {
  const merged: { role: Turn['role']; parts: string[] }[] = []
  for await (const { role, content } of trainingTurns(chat)) {
    const last = merged.at(-1)
    if (last?.role === role) last.parts.push(content)
    else merged.push({ role, parts: [content] })
  }
  const end = merged.findLastIndex(({ role }) => role === 'assistant') + 1
  return merged.slice(0, end).map(({ role, parts }) => ({ role, content: parts.join('\n\n') }))
}

function problemOf(turns: Turn[]): string | undefined {
  if (turns.length === 0) return 'it has no answer of the assistant to learn from'
  const spoken = turns[0]?.role === 'system' ? turns.slice(1) : turns
  if (spoken.some(({ role }) => role === 'system')) return 'it has a system message in the middle'
  return spoken[0]?.role === 'assistant' ? 'it begins with the assistant, not with the user' : undefined
}
