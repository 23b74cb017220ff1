import type { Agent } from '../../../records/entities/agent.ts'
import type { ChatMessage } from '../../../records/entities/message.ts'
import type { ChatSession } from '../../../records/entities/session.ts'
import type { ExportedChat } from '../exported-chats.ts'
import type { ChatFormat, ExportOptions } from './export-format.ts'
import { jsonText } from './json-text.ts'
import { epochSeconds } from './utc-time.ts'

/**
 * The array that Open WebUI imports: each chat a tree of messages, here without branches, times in seconds.
 * It has no system messages; they and the agent's instructions become the chat's system prompt.
 */
export const openwebui: ChatFormat = { name: 'openwebui', extension: 'json', write }

async function* write(
  chats: AsyncIterable<ExportedChat>,
  { onSkipped = () => {} }: ExportOptions = {},
): AsyncGenerator<string> {
  let before = '[\n'
  for await (const chat of chats) {
    let written = false
    for await (const piece of writeChat(chat)) {
      yield written ? piece : `${before}${piece}`
      written = true
    }
    if (written) before = ',\n'
    else onSkipped(chat.session.id, 'it has no message of the user or the assistant')
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}

/** Yields nothing for a chat without a message that Open WebUI can show: its trees need one. */
async function* writeChat({ session, agent, messages }: ExportedChat): AsyncGenerator<string> {
  const instructions = new Set(agent?.system_prompt ? [agent.system_prompt] : [])
  const fallback = session.model_name ?? agent?.model_name ?? null
  let model = fallback
  let parent: string | null = null
  // A message names its children, so it is written once the next one is known.
  let held: ChatMessage | undefined
  for await (const message of messages) {
    if (message.role === 'system') {
      if (message.content !== '') instructions.add(message.content)
      continue
    }
    model = session.model_name ?? message.model_name ?? model
    yield held ? `${writeNode(held, parent, [message.id], fallback)},\n` : beginChat(session)
    parent = held?.id ?? null
    held = message
  }
  if (!held) return
  yield `${writeNode(held, parent, [], fallback)}\n`
  yield endChat(session, held.id, model, paramsOf(agent, instructions))
}

function beginChat({ id, title }: ChatSession): string {
  return `{"id":${jsonText(id)},"title":${jsonText(title)},"chat":{"title":${jsonText(title)},"history":{"messages":{\n`
}

function writeNode(
  message: ChatMessage,
  parentId: string | null,
  childrenIds: string[],
  fallback: string | null,
): string {
  const { id, role, content } = message
  const model = message.model_name ?? fallback
  const node = {
    id,
    parentId,
    childrenIds,
    role,
    content,
    timestamp: epochSeconds(message.created_at) ?? undefined,
    ...(role === 'assistant' && { ...(model !== null && { model, modelName: model }), done: true }),
  }
  return `${jsonText(id)}:${jsonText(node)}`
}

/**
 * Ends a chat. It names one model, not all that ever answered: Open WebUI asks every model in this list for
 * the next answer.
 */
function endChat(session: ChatSession, currentId: string, model: string | null, params: object): string {
  const created = epochSeconds(session.created_at)
  const chat = {
    models: model === null ? [] : [model],
    params,
    tags: [],
    files: [],
    timestamp: created === null ? undefined : created * 1000,
  }
  const outer = {
    created_at: created,
    updated_at: epochSeconds(session.updated_at),
    archived: session.is_archived,
    pinned: false,
    meta: { tags: [] },
    folder_id: null,
  }
  return `},"currentId":${jsonText(currentId)}},${jsonText(chat).slice(1)},${jsonText(outer).slice(1)}`
}

function paramsOf(agent: Agent | null, instructions: Set<string>): object {
  return {
    system: instructions.size > 0 ? [...instructions].join('\n\n') : undefined,
    temperature: agent?.temperature ?? undefined,
    max_tokens: agent?.max_tokens ?? undefined,
  }
}
