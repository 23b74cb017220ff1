import { agentOf, chatOf, exported, HOSTILE, type Said } from '../../../helpers/exported-chats.ts'

const spoken = (text: string) =>
  text
    .split(/[\n\u2028\u2029]/)
    .filter((line) => line !== '')
    .map((line) =>
      JSON.parse(line).conversations.map(({ from, value }: Record<string, string>) => [from, value]),
    )

test.each<[string, Said[], [string, string][]]>([
  [
    'system, human and gpt',
    [
      ['system', 's'],
      ['user', 'u'],
      ['assistant', 'a'],
    ],
    [
      ['system', 's'],
      ['human', 'u'],
      ['gpt', 'a'],
    ],
  ],
  [
    'several messages of one role in a row as one',
    [
      ['system', 's'],
      ['system', 't'],
      ['user', 'u'],
      ['user', 'v'],
      ['assistant', 'a'],
      ['assistant', ''],
      ['assistant', 'b'],
      ['user', 'w'],
      ['assistant', 'c'],
    ],
    [
      ['system', 's\n\nt'],
      ['human', 'u\n\nv'],
      ['gpt', 'a\n\nb'],
      ['human', 'w'],
      ['gpt', 'c'],
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
      ['human', 'u'],
      ['gpt', 'a'],
    ],
  ],
])('a line holds %s', async (_situation, said, expected) => {
  const { text, skipped } = await exported('sharegpt', [chatOf(said)])
  expect(spoken(text)).toEqual([expected])
  expect(skipped).toEqual([])
})

test.each<[string, Said[], string]>([
  ['nothing was said', [], 'it has no answer of the assistant to learn from'],
  ['nothing was answered', [['user', 'u']], 'it has no answer of the assistant to learn from'],
  [
    'the assistant spoke first',
    [
      ['system', 's'],
      ['assistant', 'a'],
      ['user', 'u'],
      ['assistant', 'b'],
    ],
    'it begins with the assistant, not with the user',
  ],
  [
    'the rules changed in the middle',
    [
      ['user', 'u'],
      ['assistant', 'a'],
      ['system', 's'],
      ['user', 'v'],
      ['assistant', 'b'],
    ],
    'it has a system message in the middle',
  ],
])('a chat in which %s is reported and leaves no line', async (_situation, said, reason) => {
  const chat = chatOf(said)
  const { text, skipped } = await exported('sharegpt', [chat])
  expect(text).toBe('')
  expect(skipped).toEqual([[chat.session.id, reason]])
})

test("the agent's instructions are the system message of a chat without one", async () => {
  const chat = chatOf(
    [
      ['user', 'u'],
      ['assistant', 'a'],
    ],
    { agent: agentOf() },
  )
  expect(spoken((await exported('sharegpt', [chat])).text)[0]?.[0]).toEqual([
    'system',
    'Answer with sources.',
  ])
})

test.each(HOSTILE)('text with %s stays on its line and comes back', async (_situation, text) => {
  const chat = chatOf([
    ['user', `!${text}`],
    ['assistant', `!${text}`],
  ])
  expect(spoken((await exported('sharegpt', [chat])).text)).toEqual([
    [
      ['human', `!${text}`],
      ['gpt', `!${text}`],
    ],
  ])
})
