import type { ChatMessage } from '../../models.ts'
import type { ExportedChat } from './shape.ts'

/** What a model learns from of a message. */
export type Turn = Pick<ChatMessage, 'role' | 'content'>

/**
 * The messages that say something, in their order. The agent's instructions, which the model was given with every
 * message, come first unless the chat begins with instructions of its own.
 */
export async function* trainingTurns({ agent, messages }: ExportedChat): AsyncGenerator<Turn> {
  let first = true
  for await (const { role, content } of messages) {
    if (content.trim() === '') continue
    const instructions = agent?.system_prompt ?? ''
    if (first && role !== 'system' && instructions.trim() !== '') {
      yield { role: 'system', content: instructions }
    }
    first = false
    yield { role, content }
  }
}
