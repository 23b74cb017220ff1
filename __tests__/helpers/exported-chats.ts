import type { Agent } from '../../src/core/records/entities/agent.ts'
import type { ChatMessage } from '../../src/core/records/entities/message.ts'
import type { ChatSession } from '../../src/core/records/entities/session.ts'
import type { ExportedChat } from '../../src/core/transfer/export/exported-chats.ts'
import type { ChatFormat } from '../../src/core/transfer/export/formats/export-format.ts'
import { loadExportFormat } from '../../src/core/transfer/export/formats/formats.ts'

const MOMENT = '2025-06-05T20:22:06.123456+00:00'

export type Said = [role: ChatMessage['role'], content: string, rest?: Partial<ChatMessage>]

let numbered = 0

/** A chat in which this was said; what is not given has a plain value. */
export function chatOf(
  said: Said[],
  { agent = null, ...rest }: Partial<ChatSession> & { agent?: Agent | null } = {},
): ExportedChat {
  numbered++
  const session: ChatSession = {
    id: `session-${numbered}`,
    title: 'Bread that stays soft',
    model_name: 'llama3.2',
    agent_id: agent?.id ?? null,
    created_at: MOMENT,
    updated_at: '2025-06-06T08:00:00.000000+00:00',
    is_archived: false,
    metadata: null,
    ...rest,
  }
  const messages = said.map(([role, content, more], index) => ({
    id: `${session.id}-message-${index}`,
    session_id: session.id,
    role,
    content,
    model_name: role === 'assistant' ? 'llama3.2' : null,
    created_at: MOMENT,
    metadata: null,
    ...more,
  }))
  return { session, agent, messages: { [Symbol.asyncIterator]: () => each(messages) } }
}

export function agentOf(rest: Partial<Agent> = {}): Agent {
  return {
    id: 'agent-1',
    name: 'Librarian',
    description: null,
    model_name: 'qwen3',
    system_prompt: 'Answer with sources.',
    temperature: 0.2,
    max_tokens: 512,
    created_at: MOMENT,
    updated_at: MOMENT,
    is_active: true,
    metadata: null,
    ...rest,
  }
}

/** What a format makes of chats, and which it left out. */
export async function exported(name: string, chats: ExportedChat[]) {
  const format = await chatFormat(name)
  const skipped: [sessionId: string, reason: string][] = []
  const onSkipped = (sessionId: string, reason: string) => skipped.push([sessionId, reason])
  let text = ''
  for await (const piece of format.write(each(chats), { onSkipped })) text += piece
  return { text, skipped }
}

/** Text that breaks what is careless with it, by what it contains. */
export const HOSTILE: [situation: string, text: string][] = [
  ['nothing', ''],
  ['quotes and backslashes', `"double" 'single' \`back\` \\ "",""\\"`],
  ['NUL and other controls', 'a\0b\u0007c\u001b[31md\u007fe\u0085f'],
  ['every line end', 'a\nb\r\nc\rd\u2028e\u2029f\vg\fh'],
  ['emoji of several code points', '👩‍👩‍👧‍👦 🇩🇪 👍🏽'],
  ['right-to-left text', 'שלום עולם, مرحبا'],
  ['characters that turn the direction', 'invoice\u202Efdp.exe\u202C \u2066a\u2069 \u200Fb'],
  ['tags', '</script><script>alert(1)</script><img src=x onerror="alert(1)"><!-- ]]> <![CDATA['],
  ['the end of the page', '</code></pre></div></article></main></body></html>'],
  ['a formula', '=HYPERLINK("http://example.com","x")'],
  ['headings of its own', '# one\n## user\nassistant\n---\nsystem\n==='],
  ['an open fence', 'before\n```html\n<b>\n## user'],
  ['blanks around it', ' \t\n text \n\t '],
  ['one very long line', 'x'.repeat(100_000)],
  ['a megabyte', 'All work and no play. 🙂\n'.repeat(40_000)],
]

async function* each<T>(values: T[]): AsyncGenerator<T> {
  yield* values
}

/** A format that takes chats, by its name. */
export async function chatFormat(name: string): Promise<ChatFormat> {
  const format = await loadExportFormat(name)
  if ('write' in format) return format
  throw new Error(`${name} takes records`)
}
