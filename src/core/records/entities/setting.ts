import { defineEntity, type RecordOf, text, time } from '../entity.ts'

/** A value that the app looks up by its name. */
export const setting = defineEntity({
  name: 'setting',
  table: 'settings',
  key: 'key',
  order: { column: 'key', descending: false },
  time: 'updated_at',
  columns: {
    key: text('its name', { required: true, example: 'theme' }),
    value: text('what it is set to', { required: true, example: 'dark' }),
    description: text('what it is for'),
    created_at: time('when it was made', { moment: 'created', listed: false }),
    updated_at: time('when it last changed', { moment: 'updated', listed: false }),
  },
})

/** A value by its name as programs see it; times are RFC 3339 UTC with microseconds. */
export type Setting = RecordOf<typeof setting>
