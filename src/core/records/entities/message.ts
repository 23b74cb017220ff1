import { defineEntity, id, metadata, oneOf, type RecordOf, reference, text, time } from '../entity.ts'

/** One thing said in a chat. */
export const message = defineEntity({
  name: 'message',
  table: 'chat_messages',
  key: 'id',
  order: { column: 'created_at', descending: false },
  time: 'created_at',
  columns: {
    id: id(),
    session_id: reference('session', 'the chat it was said in', { required: true, listed: false }),
    role: oneOf(['user', 'assistant', 'system'], 'who said it', { required: true }),
    content: text('what was said', { required: true, long: true }),
    model_name: text('the model that said it', {
      flag: 'model',
      filter: true,
      listed: false,
      example: 'llama3.2',
    }),
    created_at: time('when it was said', { moment: 'created' }),
    metadata: metadata(),
  },
})

/** One thing said in a chat as programs see it; times are RFC 3339 UTC with microseconds. */
export type ChatMessage = RecordOf<typeof message>
