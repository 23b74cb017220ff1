import * as z from 'zod/mini'
import type { Connection } from './connection.ts'
import { AppError } from './errors.ts'
import { queryBuilder } from './query-builder.ts'
import { readTimestamp } from './timestamp.ts'

const id = z.string().check(z.uuid())
const text = z.string().check(z.minLength(1))
const time = z.string().check(z.refine((value) => readTimestamp(value) === value, 'not a stored timestamp'))

const CHATS = z.strictObject({
  agents: z.array(
    z.strictObject({
      id,
      name: text,
      description: text,
      model_name: text,
      system_prompt: text,
      temperature: z.number().check(z.minimum(0), z.maximum(2)),
      created_at: time,
      updated_at: time,
    }),
  ),
  chat_sessions: z.array(
    z.strictObject({
      id,
      title: text,
      model_name: text,
      agent_id: z.nullable(id),
      created_at: time,
      updated_at: time,
    }),
  ),
  chat_messages: z.array(
    z.strictObject({
      id,
      session_id: id,
      role: z.enum(['user', 'assistant', 'system']),
      content: text,
      model_name: z.nullable(text),
      created_at: time,
    }),
  ),
})

/**
 * Adds a small set of chats, shaped like the tables, to a new database; what is there already stays as it is. Resolves
 * to the number of new messages. Throws INVALID, naming the field, when the input has another shape.
 */
export async function addSampleChats(writer: Connection, input: unknown): Promise<number> {
  const parsed = CHATS.safeParse(input)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new AppError(
      'INVALID',
      `the sample chats are not as expected at ${issue?.path.join('.')}: ${issue?.message}`,
      {
        hint: 'put samples/chats.json back as it was shipped',
      },
    )
  }
  const { agents, chat_sessions, chat_messages } = parsed.data
  const query = queryBuilder(writer)
  const count = () =>
    query
      .selectFrom('chat_messages')
      .select((e) => e.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
  const before = await count()
  await query
    .insertInto('agents')
    .values(agents)
    .onConflict((same) => same.doNothing())
    .execute()
  await query
    .insertInto('chat_sessions')
    .values(chat_sessions)
    .onConflict((same) => same.doNothing())
    .execute()
  await query
    .insertInto('chat_messages')
    .values(chat_messages)
    .onConflict((same) => same.doNothing())
    .execute()
  return (await count()).n - before.n
}
