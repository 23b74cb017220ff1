import type { ExportedChat } from '../exported-chats.ts'
import type { ChatFormat, ExportOptions } from './export-format.ts'
import { jsonText } from './json-text.ts'
import { answeredTurns, type Outline, outlineOf, type Turn, UNANSWERED } from './training.ts'

/**
 * ShareGPT as JSONL: a line `{"conversations":[{"from","value"}]}` for each chat in which, after at most one
 * system message, human and gpt take turns and gpt has the last word. Consecutive messages of one role are
 * merged, with an empty line between them; everything after the last answer is left out.
 */
export const sharegpt: ChatFormat = { name: 'sharegpt', extension: 'jsonl', write, readings: 2 }

const SPEAKERS = { system: 'system', user: 'human', assistant: 'gpt' } as const

async function* write(
  chats: AsyncIterable<ExportedChat>,
  { onSkipped = () => {} }: ExportOptions = {},
): AsyncGenerator<string> {
  for await (const chat of chats) {
    const outline = await outlineOf(chat)
    const problem = problemOf(outline)
    if (problem === undefined) yield* writeChat(chat, outline)
    else onSkipped(chat.session.id, problem)
  }
}

/** Writes a chat, keeping the text of a turn open until the role changes. */
async function* writeChat(chat: ExportedChat, outline: Outline): AsyncGenerator<string> {
  let speaker: Turn['role'] | undefined
  for await (const { role, content } of answeredTurns(chat, outline)) {
    const text = jsonText(content).slice(1, -1)
    if (role === speaker) yield `\\n\\n${text}`
    else {
      const before = speaker === undefined ? '{"conversations":[' : '"},'
      yield `${before}{"from":"${SPEAKERS[role]}","value":"${text}`
    }
    speaker = role
  }
  yield '"}]}\n'
}

function problemOf({ answered, opens, isInterrupted }: Outline): string | undefined {
  if (answered === 0) return UNANSWERED
  if (isInterrupted) return 'it has a system message in the middle'
  return opens === 'assistant' ? 'it begins with the assistant, not with the user' : undefined
}
