import { boolean, defineEntity, id, metadata, number, type RecordOf, text, time } from '../entity.ts'

/** A model with instructions. */
export const agent = defineEntity({
  name: 'agent',
  table: 'agents',
  key: 'id',
  order: { column: 'name', descending: false },
  time: 'updated_at',
  columns: {
    id: id(),
    name: text('what it is called', { required: true, example: 'Librarian' }),
    description: text('what it is for', { listed: false }),
    model_name: text('the model it uses', {
      required: true,
      flag: 'model',
      filter: true,
      example: 'llama3.2',
    }),
    system_prompt: text('its instructions', { long: true, listed: false }),
    temperature: number('real', 0, 2, 'how freely it answers', {
      initial: 0.7,
      example: '0.7',
      listed: true,
    }),
    max_tokens: number('integer', 1, 2 ** 31 - 1, 'the longest answer, in tokens', { example: '2048' }),
    created_at: time('when it was made', { moment: 'created', listed: false }),
    updated_at: time('when it last changed', { moment: 'updated', listed: false }),
    is_active: boolean(['active', 'inactive'], true),
    metadata: metadata(),
  },
})

/** A model with instructions as programs see it; times are RFC 3339 UTC with microseconds. */
export type Agent = RecordOf<typeof agent>
