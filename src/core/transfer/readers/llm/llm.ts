import type { Connection } from '../../../engine/connection.ts'
import type { Imported } from '../../conversation.ts'
import { hasColumns } from '../foreign-table.ts'
import { LlmStore } from './llm-attachments.ts'
import { logConversations } from './llm-logs.ts'
import { Responses } from './llm-responses.ts'
import { hasThreads, Threads } from './llm-threads.ts'

/** Returns true when a database is a log of simonw/llm, with the tables of any of its generations. */
export async function isLlm(connection: Connection): Promise<boolean> {
  const has = (table: string, ...columns: string[]) => hasColumns(connection, table, columns)
  return (
    (await hasThreads(connection)) ||
    (await has('responses', 'id', 'model', 'prompt', 'system', 'response', 'conversation_id')) ||
    (await has('logs', 'model', 'prompt', 'system', 'response', 'chat_id')) ||
    (await has('log', 'model', 'prompt', 'system', 'response', 'chat_id'))
  )
}

/**
 * Reads a log of simonw/llm, one conversation at a time. The tables of up to three generations may exist side
 * by side and hold the same conversation: it is yielded once, with everything that any of them has of it.
 */
export async function* readLlm(connection: Connection): AsyncGenerator<Imported> {
  for await (const conversation of logConversations(connection)) yield { kind: 'conversation', conversation }
  const store = await LlmStore.make(connection)
  const responses = await Responses.make(connection, store)
  const threads = await Threads.make(connection, store)
  for await (const conversation of responses.conversations((id) => threads.has(id))) {
    yield { kind: 'conversation', conversation }
  }
  yield* threads.conversations((id) => responses.turns(id))
}
