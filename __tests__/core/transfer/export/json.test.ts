import { agentOf, chatOf, exported, HOSTILE } from '../../../helpers/exported-chats.ts'

test.each(HOSTILE)('text with %s comes back as it was', async (_situation, text) => {
  const chat = chatOf([['user', text]], { title: text, metadata: { note: text } })
  const [back] = JSON.parse((await exported('json', [chat])).text)
  expect(back.session).toEqual(chat.session)
  expect(back.messages).toEqual([expect.objectContaining({ role: 'user', content: text })])
})

test.each([
  ['no chats', []],
  ['a chat without messages', [chatOf([])]],
  ['several chats', [chatOf([['user', 'a']]), chatOf([]), chatOf([['system', 'b']])]],
])('%s make one array', async (_situation, chats) => {
  const back = JSON.parse((await exported('json', chats)).text)
  expect(back.map(({ session }: { session: unknown }) => session)).toEqual(
    chats.map(({ session }) => session),
  )
})

test('the agent of a chat is written whole, and null where there is none', async () => {
  const agent = agentOf()
  const { text } = await exported('json', [chatOf([], { agent }), chatOf([])])
  expect(JSON.parse(text).map((chat: { agent: unknown }) => chat.agent)).toEqual([agent, null])
})
