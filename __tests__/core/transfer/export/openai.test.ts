import { agentOf, chatOf, exported, HOSTILE, type Said } from '../../../helpers/exported-chats.ts'

/** As a reader in any language takes it: whatever ends a line there ends one here. */
const linesOf = (text: string) =>
  text
    .split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

test.each<[string, Said[], [string, string][]]>([
  [
    'all that was said',
    [
      ['system', 's'],
      ['user', 'u'],
      ['assistant', 'a'],
    ],
    [
      ['system', 's'],
      ['user', 'u'],
      ['assistant', 'a'],
    ],
  ],
  [
    'no empty messages',
    [
      ['user', 'u'],
      ['assistant', ''],
      ['assistant', ' \n'],
      ['assistant', 'a'],
    ],
    [
      ['user', 'u'],
      ['assistant', 'a'],
    ],
  ],
  [
    'nothing after the last answer',
    [
      ['user', 'u'],
      ['assistant', 'a'],
      ['user', 'v'],
      ['system', 's'],
    ],
    [
      ['user', 'u'],
      ['assistant', 'a'],
    ],
  ],
  [
    'several turns of one role as they are',
    [
      ['user', 'u'],
      ['user', 'v'],
      ['assistant', 'a'],
      ['assistant', 'b'],
    ],
    [
      ['user', 'u'],
      ['user', 'v'],
      ['assistant', 'a'],
      ['assistant', 'b'],
    ],
  ],
])('a line holds %s', async (_situation, said, expected) => {
  const { text, skipped } = await exported('openai', [chatOf(said)])
  expect(linesOf(text)).toEqual([{ messages: expected.map(([role, content]) => ({ role, content })) }])
  expect(skipped).toEqual([])
})

test.each<[string, Said[]]>([
  ['no messages', []],
  ['no answer', [['user', 'u']]],
  [
    'an empty answer',
    [
      ['user', 'u'],
      ['assistant', ''],
    ],
  ],
])('a chat with %s is reported and leaves no line', async (_situation, said) => {
  const chat = chatOf(said)
  const { text, skipped } = await exported('openai', [chat])
  expect(text).toBe('')
  expect(skipped).toEqual([[chat.session.id, 'it has no answer of the assistant to learn from']])
})

test.each<[string, Said[], string[]]>([
  ['come first', [['assistant', 'a']], ['Answer with sources.', 'a']],
  [
    "give way to the chat's own",
    [
      ['system', 's'],
      ['assistant', 'a'],
    ],
    ['s', 'a'],
  ],
])("the agent's instructions %s", async (_situation, said, expected) => {
  const [line] = linesOf((await exported('openai', [chatOf(said, { agent: agentOf() })])).text)
  expect(line.messages.map(({ content }: { content: string }) => content)).toEqual(expected)
})

test.each(HOSTILE)('text with %s stays on its line and comes back', async (_situation, text) => {
  const { text: out } = await exported('openai', [
    chatOf([
      ['user', text],
      ['assistant', `!${text}`],
    ]),
  ])
  const [line, ...others] = linesOf(out)
  expect(others).toEqual([])
  expect(line.messages.at(-1)).toEqual({ role: 'assistant', content: `!${text}` })
})

test('each chat is a line of its own', async () => {
  const said: Said[] = [
    ['user', 'u'],
    ['assistant', 'a'],
  ]
  const { text } = await exported('openai', [chatOf(said), chatOf([]), chatOf(said)])
  expect(linesOf(text)).toHaveLength(2)
  expect(text.endsWith('\n')).toBe(true)
})
