import type { ExportedChat } from '../../../../src/core/transfer/export/exported-chats.ts'
import { chatFormat, chatOf, exported, type Said } from '../../../helpers/exported-chats.ts'

const template = chatOf([['user', '']])

/** A chat whose messages are made while they are read; `read` counts those of the latest reading. */
function madeChat(count: number, roleOf: (index: number) => Said[0]) {
  const made = { chat: { ...template } as ExportedChat, read: 0 }
  async function* messages() {
    made.read = 0
    for await (const first of template.messages) {
      for (let index = 0; index < count; index++) {
        made.read++
        const content = Buffer.alloc(10_000, `${index} `).toString('latin1')
        yield { ...first, role: roleOf(index), content }
      }
    }
  }
  made.chat.messages = { [Symbol.asyncIterator]: messages }
  return made
}

async function* only(chat: ExportedChat) {
  yield chat
}

test.each(['openai', 'sharegpt'])('%s is written while a chat is read', async (name) => {
  const format = await chatFormat(name)
  const made = madeChat(1000, (index) => (index % 2 ? 'assistant' : 'user'))
  const lag: number[] = []
  for await (const piece of format.write(only(made.chat))) if (piece.length > 5000) lag.push(made.read)
  expect(lag).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
})

test.each(['openai', 'sharegpt'])('of a chat without an answer %s holds nothing', async (name) => {
  const format = await chatFormat(name)
  const { heapUsed } = process.memoryUsage()
  const skipped: string[] = []
  const { chat } = madeChat(60_000, () => 'user')
  for await (const piece of format.write(only(chat), { onSkipped: (id) => skipped.push(id) }))
    expect(piece).toBe('')
  expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(300e6)
  expect(skipped).toEqual([template.session.id])
})

test('the contents of many chats on a page are not one piece', async () => {
  const format = await chatFormat('html')
  async function* many() {
    for (let index = 1; index <= 5000; index++)
      yield chatOf([['user', 'x']], { title: `Title ${index} ${'x'.repeat(100)}` })
  }
  const items: string[] = []
  for await (const piece of format.write(many())) {
    expect(piece.length).toBeLessThan(500_000)
    items.push(...(piece.match(/<li><a href="#chat-\d+">\n<span[^>]*>Title \d+/g) ?? []))
  }
  expect(items.map((item) => item.replace(/\D+/g, ' '))).toEqual(
    Array.from({ length: 5000 }, (_, index) => ` ${index + 1} ${index + 1}`),
  )
})

test('turns of one role that come one after the other are one text, whatever they end with', async () => {
  const { text } = await exported('sharegpt', [
    chatOf([
      ['user', 'a\ud83d'],
      ['user', '\ude00 "b"'],
      ['assistant', 'c'],
    ]),
  ])
  expect(JSON.parse(text).conversations[0].value).toBe('a\ud83d\n\n\ude00 "b"')
})
