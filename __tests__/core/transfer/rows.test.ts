import { toRows } from '../../../src/core/transfer/import/rows.ts'
import { readChatGPT } from '../../../src/core/transfer/readers/chatgpt/chatgpt.ts'
import { readLMStudio } from '../../../src/core/transfer/readers/lmstudio/lmstudio.ts'
import { conversation, node, rowsOf } from '../../helpers/rows.ts'

const answer = { kind: 'tool_result', name: 'clock', output: 'noon' } as const

test('what has no row of its own is kept with the message after it, else with the one before', () => {
  const { messages, session } = rowsOf(
    conversation([
      node('system', ['be kind'], { hidden: true }),
      node('user', ['hi']),
      node('tool', [answer]),
    ]),
  )
  expect(messages).toHaveLength(1)
  expect(messages[0]?.metadata).toMatchObject({
    before: [{ role: 'system', parts: [{ text: 'be kind' }] }],
    after: [{ role: 'tool', parts: [answer] }],
  })
  expect(session.metadata).not.toHaveProperty('messages')
})

test('a chat in which nothing has a row keeps what was in it, in its order', () => {
  const { messages, session } = rowsOf(
    conversation([node('tool', [answer]), node('user', ['instructions'], { hidden: true })]),
  )
  expect(messages).toEqual([])
  expect(session.metadata).toMatchObject({
    messages: [
      { id: '0', role: 'tool', hidden: true, parts: [answer] },
      { id: '1', role: 'user', hidden: true, parts: [{ kind: 'text', text: 'instructions' }] },
    ],
  })
})

test('content of a kind that nobody knows is kept', () => {
  const content = { content_type: 'brand_new', foo: 'bar' }
  const message = { id: 'a', author: { role: 'assistant' }, content }
  const alone = rowsOf(readChatGPT({ id: 'c', mapping: { a: { id: 'a', message } } }))
  expect(alone.session.metadata).toMatchObject({ messages: [{ id: 'a', metadata: { content } }] })
  const said = { id: 'b', author: { role: 'user' }, content: { content_type: 'text', parts: ['hi'] } }
  const mapping = { a: { message }, b: { parent: 'a', message: said } }
  const { messages } = rowsOf(readChatGPT({ id: 'c', mapping, current_node: 'b' }))
  expect(messages[0]?.metadata).toMatchObject({ before: [{ id: 'a', metadata: { content } }] })
})

test('the system prompt of a chat of LM Studio in which nothing was said yet is kept', () => {
  const { session } = rowsOf(readLMStudio({ systemPrompt: 'SYS', messages: [] }, '1749154926123.json'))
  expect(session.metadata).toMatchObject({ messages: [{ role: 'system', parts: [{ text: 'SYS' }] }] })
})

test.each(['reasoning', 'tools'] as const)(
  'what a tool gave that is nested without end is refused, with %s and without',
  (include) => {
    let deep: unknown = []
    for (let level = 0; level < 100_000; level++) deep = [deep]
    const chat = conversation([node('tool', [{ kind: 'tool_result', name: null, output: deep }])])
    expect(() => rowsOf(chat, { include: new Set([include]) })).toThrow(
      expect.objectContaining({ code: 'INVALID' }),
    )
  },
)

const noTimes = { created_at: null, updated_at: null }

test('a chat without any time begins in 1970, whenever it is imported, and says so', () => {
  const chat = conversation([node('user', ['hi']), node('assistant', ['ho'])], noTimes)
  const one = rowsOf(chat)
  expect(one.session).toMatchObject({
    created_at: '1970-01-01T00:00:00.000000+00:00',
    updated_at: '1970-01-01T00:00:00.000001+00:00',
    metadata: { times_unknown: true },
  })
})

test.each([
  ['its first message that has one', [null, '2025-06-05T20:22:07.000000+00:00'], null],
  ['its last change', [null, null], '2025-06-05T20:22:07.000000+00:00'],
])('a chat without a time of its own begins at that of %s', (_case, times, updated_at) => {
  const nodes = times.map((created_at) => node('user', ['hi'], { created_at }))
  const { session } = rowsOf(conversation(nodes, { ...noTimes, updated_at }))
  expect(session.created_at).toBe('2025-06-05T20:22:07.000000+00:00')
  expect(session.metadata).not.toHaveProperty('times_unknown')
})

/**
 * A question with two answers, of which the first goes on; `more` are further messages, each under the one
 * that it names.
 */
function forked(more: [id: string, parent: string][] = []) {
  const placed = ([id, parent]: [string, string | null]) => ({ ...node('user', [id]), id, parent })
  const nodes = (
    [
      ['q', null],
      ['a', 'q'],
      ['b', 'q'],
      ['a2', 'a'],
    ] as [string, string | null][]
  )
    .concat(more)
    .map(placed)
  return { ...conversation([]), nodes, current: 'a2' }
}

test('a branch is the same session when it grows, and its forks are sessions of their own', () => {
  const sessions = (more?: [string, string][]) =>
    toRows(forked(more), { source: 'test', branches: 'all', include: new Set() }).map(
      ({ session, messages }) => [
        session.get('id'),
        messages.map((message) => message.get('content')).join(' '),
      ],
    )
  const [main, branch] = sessions()
  expect([main?.[1], branch?.[1]]).toEqual(['q a a2', 'q b'])
  const grown = sessions([
    ['b2', 'b'],
    ['b3', 'b2'],
    ['c', 'b'],
  ])
  expect(grown).toEqual([main, [branch?.[0], 'q b b2 b3'], [expect.any(String), 'q b c']])
  expect(new Set(grown.map(([id]) => id)).size).toBe(3)
})
