import type { ChatMessage } from '../../../records/entities/message.ts'
import type { ExportedChat } from '../exported-chats.ts'

/** The part of a message that a model learns from. */
export type Turn = Pick<ChatMessage, 'role' | 'content'>

/**
 * Yields the non-empty messages, in order. The agent's instructions, which the model received with every
 * message, come first unless the chat begins with instructions of its own.
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

/**
 * The facts about a chat that are needed before any of it is written, so that nobody has to hold all of it.
 */
export interface Outline {
  /** The number of turns up to the last answer; there is nothing to learn from what comes after it. */
  answered: number
  /** The role that speaks first, apart from system messages. */
  opens: Turn['role'] | undefined
  /** True when a system message interrupts the turns of the two before the last answer. */
  isInterrupted: boolean
}

/** Reads through a chat to collect its outline. */
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

/** Yields the turns up to the last answer. */
export async function* answeredTurns(chat: ExportedChat, { answered }: Outline): AsyncGenerator<Turn> {
  let left = answered
  for await (const turn of trainingTurns(chat)) {
    if (left-- <= 0) return
    yield turn
  }
}

/** The reason for leaving out a chat without an answer. */
export const UNANSWERED = 'it has no answer of the assistant to learn from'
