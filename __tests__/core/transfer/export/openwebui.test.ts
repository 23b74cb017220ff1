import { agentOf, chatOf, exported, HOSTILE, type Said } from '../../../helpers/exported-chats.ts'

const nodesOf = (chat: { chat: { history: { messages: Record<string, Record<string, unknown>> } } }) =>
  Object.values(chat.chat.history.messages)

test('a chat becomes a tree in which each message knows its parent and its child', async () => {
  const chat = chatOf([
    ['user', 'Why?'],
    ['assistant', 'Because.'],
    ['user', 'Really?'],
  ])
  const [back] = JSON.parse((await exported('openwebui', [chat])).text)
  const ids = [0, 1, 2].map((number) => `${chat.session.id}-message-${number}`)
  expect(back.chat.history.currentId).toBe(ids[2])
  expect(Object.keys(back.chat.history.messages)).toEqual(ids)
  expect(nodesOf(back)).toEqual([
    {
      id: ids[0],
      parentId: null,
      childrenIds: [ids[1]],
      role: 'user',
      content: 'Why?',
      timestamp: 1749154926,
    },
    {
      id: ids[1],
      parentId: ids[0],
      childrenIds: [ids[2]],
      role: 'assistant',
      content: 'Because.',
      timestamp: 1749154926,
      model: 'llama3.2',
      modelName: 'llama3.2',
      done: true,
    },
    {
      id: ids[2],
      parentId: ids[1],
      childrenIds: [],
      role: 'user',
      content: 'Really?',
      timestamp: 1749154926,
    },
  ])
})

test('the outer object has the title, the times in seconds and whether it is archived', async () => {
  const { text } = await exported('openwebui', [chatOf([['user', 'a']], { title: 'T', is_archived: true })])
  expect(JSON.parse(text)[0]).toMatchObject({
    title: 'T',
    chat: { title: 'T', models: ['llama3.2'], timestamp: 1749154926000 },
    created_at: 1749154926,
    updated_at: 1749196800,
    archived: true,
    pinned: false,
    meta: { tags: [] },
    folder_id: null,
  })
})

test.each(HOSTILE)('text with %s comes back as it was', async (_situation, text) => {
  const { text: out } = await exported('openwebui', [chatOf([['user', text]], { title: text })])
  const [back] = JSON.parse(out)
  expect([back.title, back.chat.title, nodesOf(back)[0]?.content]).toEqual([text, text, text])
})

test("system messages and the agent's instructions become the chat's parameters, said once each", async () => {
  const said: Said[] = [
    ['system', 'Answer with sources.'],
    ['user', 'a'],
    ['system', 'Be brief.'],
    ['assistant', 'b'],
  ]
  const [back] = JSON.parse((await exported('openwebui', [chatOf(said, { agent: agentOf() })])).text)
  expect(back.chat.params).toEqual({
    system: 'Answer with sources.\n\nBe brief.',
    temperature: 0.2,
    max_tokens: 512,
  })
  expect(nodesOf(back).map(({ role, parentId }) => [role, parentId === null])).toEqual([
    ['user', true],
    ['assistant', false],
  ])
})

test.each([
  ["the chat's own", { model_name: 'a' }, 'b', 'a'],
  ["the last answer's", { model_name: null }, 'b', 'b'],
  ["the agent's", { model_name: null, agent: agentOf() }, null, 'qwen3'],
  ['none', { model_name: null }, null, undefined],
])('the next answer is asked of one model: %s', async (_situation, session, answered, expected) => {
  const chat = chatOf(
    [
      ['user', 'Why?'],
      ['assistant', 'Because.', { model_name: answered }],
    ],
    session,
  )
  const [back] = JSON.parse((await exported('openwebui', [chat])).text)
  expect(back.chat.models).toEqual(expected === undefined ? [] : [expected])
  expect(nodesOf(back)[1]?.model).toBe(answered ?? expected)
})

test('a chat with nothing that could be shown is reported, and the others stay one array', async () => {
  const [empty, silent] = [chatOf([]), chatOf([['system', 'a']])]
  const { text, skipped } = await exported('openwebui', [empty, chatOf([['user', 'a']]), silent])
  expect(JSON.parse(text)).toHaveLength(1)
  const reason = 'it has no message of the user or the assistant'
  expect(skipped).toEqual([
    [empty.session.id, reason],
    [silent.session.id, reason],
  ])
  expect(JSON.parse((await exported('openwebui', [])).text)).toEqual([])
})

test('a time that is none is left out', async () => {
  const chat = chatOf([['user', 'a', { created_at: 'yesterday' }]], { created_at: 'once', updated_at: '' })
  const [back] = JSON.parse((await exported('openwebui', [chat])).text)
  expect([back.created_at, back.updated_at, nodesOf(back)[0]?.timestamp]).toEqual([null, null, undefined])
})
