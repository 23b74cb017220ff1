import { boolean, defineEntity, id, metadata, type RecordOf, reference, text, time } from '../entity.ts'

/** A chat. */
export const session = defineEntity({
  name: 'session',
  table: 'chat_sessions',
  key: 'id',
  order: { column: 'updated_at', descending: true },
  time: 'updated_at',
  columns: {
    id: id(),
    title: text('what the chat is about', { required: true, example: 'Bread that stays soft' }),
    model_name: text('the model it is held with', { flag: 'model', filter: true, example: 'llama3.2' }),
    agent_id: reference('agent', 'the agent it is held with', { listed: false }),
    created_at: time('when it was begun', { moment: 'created', listed: false }),
    updated_at: time('when it last changed', { moment: 'updated' }),
    is_archived: boolean(['archived', 'active'], false),
    metadata: metadata(),
  },
})

/** A chat as programs see it; times are RFC 3339 UTC with microseconds. */
export type ChatSession = RecordOf<typeof session>
