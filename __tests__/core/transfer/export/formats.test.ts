import type { ExportedChat } from '../../../../src/core/transfer/export/exported-chats.ts'
import {
  EXPORT_FORMAT_NAMES,
  loadExportFormat,
} from '../../../../src/core/transfer/export/formats/formats.ts'
import { chatFormat, chatOf } from '../../../helpers/exported-chats.ts'

test.each(EXPORT_FORMAT_NAMES.map((name) => [name]))('%s is loaded by its name', async (name) => {
  expect(await loadExportFormat(name)).toMatchObject({
    name,
    extension: expect.stringMatching(/^[a-z]+$/),
  })
})

test.each([['docx'], ['__proto__'], ['toString'], ['']])('%j is no format', async (name) => {
  await expect(loadExportFormat(name)).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('json, markdown, html'),
  })
})

test.each(EXPORT_FORMAT_NAMES.filter((name) => name !== 'jsonl'))(
  '%s asks for a chat only when the one before is written, and ends what it reads when it is stopped',
  async (name) => {
    const events: string[] = []
    async function* chats(): AsyncGenerator<ExportedChat> {
      try {
        for (const number of [1, 2, 3]) {
          events.push(`chat ${number}`)
          const chat = chatOf([
            ['user', 'Why?'],
            ['assistant', 'Because.'],
          ])
          yield {
            ...chat,
            messages: { [Symbol.asyncIterator]: () => heard(chat.messages, `end ${number}`) },
          }
        }
      } finally {
        events.push('closed')
      }
    }
    async function* heard<T>(values: AsyncIterable<T>, end: string): AsyncGenerator<T> {
      yield* values
      if (events.at(-1) !== end) events.push(end) // some formats read twice
    }
    const format = await chatFormat(name)
    for await (const piece of format.write(chats())) {
      if (piece !== '' && events.includes('chat 2')) break
    }
    expect(events.slice(0, 3)).toEqual(['chat 1', 'end 1', 'chat 2'])
    expect(events.at(-1)).toBe('closed')
    expect(events).not.toContain('chat 3')
  },
)
