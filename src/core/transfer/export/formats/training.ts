import type { ChatMessage } from '../../../records/entities/message.ts'
import type { ExportedChat } from '../exported-chats.ts'

/** What a model learns from of a message. */
export type Turn = Pick<ChatMessage, 'role' | 'content'>

/**
 * The messages that say something, in their order. The agent's instructions, which the model was given with
 * every message, come first unless the chat begins with instructions of its own.
 */
async function* trainingTurns({ agent, messages }: ExportedChat): AsyncGenerator<Turn> {
  let first = true
  for await (const { role, content } of messages) {
    if (!/\S/.test(content)) continue
    const instructions = agent?.system_prompt ?? ''
    if (first && role !== 'system' && instructions.trim() !== '') {
      yield { role: 'system', content: instructions }
    }
    first = false
    yield { role, content }
  }
}

/** What there is to know of a chat before a part of it is written, so that nobody has to hold all of it. */
export interface Outline {
  /** How many turns there are up to the last answer; what comes after it teaches nothing. */
  answered: number
  /** Who speaks first, system messages aside. */
  opens: Turn['role'] | undefined
  /** Whether a system message stands between what the two say, before the last answer. */
  isInterrupted: boolean
}

/** Looks through a chat. */
export async function outlineOf(chat: ExportedChat): Promise<Outline> {
  const outline: Outline = { answered: 0, opens: undefined, isInterrupted: false }
  let turns = 0
  let interrupted = false
  for await (const { role } of trainingTurns(chat)) {
    turns++
    if (role !== 'system') outline.opens ??= role
    else if (outline.opens) interrupted = true
    if (role !== 'assistant') continue
    outline.answered = turns
    outline.isInterrupted = interrupted
  }
  return outline
}

/** The turns up to the last answer. */
export async function* answeredTurns(chat: ExportedChat, { answered }: Outline): AsyncGenerator<Turn> {
  let left = answered
  for await (const turn of trainingTurns(chat)) {
    if (left-- <= 0) return
    yield turn
  }
}

/** Why a chat without an answer is left out. */
export const UNANSWERED = 'it has no answer of the assistant to learn from'
