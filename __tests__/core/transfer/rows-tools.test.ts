import type { ConversationNode } from '../../../src/core/transfer/conversation.ts'
import { conversation, node, rowsOf } from '../../helpers/rows.ts'

const call = { kind: 'tool_call', name: 'clock', input: { zone: 'UTC' } } as const
const answer = { kind: 'tool_result', name: 'clock', output: 'noon' } as const
const CALLED = 'system: clock was called with {"zone":"UTC"}'
const ANSWERED = 'system: clock answered noon'

const tools = new Set(['tools'] as const)
const rows = (nodes: ConversationNode[], include: ReadonlySet<'tools'> = tools) =>
  rowsOf(conversation(nodes), { include }).messages
const said = (nodes: ConversationNode[], include = tools) =>
  rows(nodes, include).map(({ role, content }) => `${role}: ${content}`)

test.each<[string, ConversationNode[], string[]]>([
  [
    'in messages of their own',
    [node('user', ['when?']), node('assistant', [call]), node('tool', [answer]), node('assistant', ['now'])],
    ['user: when?', CALLED, ANSWERED, 'assistant: now'],
  ],
  [
    'in hidden messages',
    [node('user', ['when?']), node('assistant', [call], { hidden: true }), node('assistant', ['now'])],
    ['user: when?', CALLED, 'assistant: now'],
  ],
  ['after what was said', [node('assistant', ['let me look', call])], ['assistant: let me look', CALLED]],
  [
    'between what was said',
    [node('assistant', ['let me look', call, answer, 'now'])],
    [`${CALLED}\n\n${ANSWERED.slice(8)}`, 'assistant: let me look\n\nnow'],
  ],
])('calls of tools %s are rows of the system, in order', (_case, nodes, expected) => {
  expect(said(nodes)).toEqual(expected)
  const times = rows(nodes).map(({ created_at }) => created_at)
  expect(times).toEqual([...new Set(times)].sort())
  expect(new Set(rows(nodes).map(({ id }) => id)).size).toBe(expected.length)
})

test('with tools or without, the text of a message is the same row', () => {
  const nodes = [node('user', ['when?']), node('assistant', ['let me look', call, answer, 'now'])]
  const bare = rows(nodes, new Set())
  expect(bare.map(({ content }) => content)).toEqual(['when?', 'let me look\n\nnow'])
  const withTools = new Map(rows(nodes).map(({ id, content }) => [id, content]))
  for (const { id, content } of bare) expect(withTools.get(id)).toBe(content)
})

test('what a row does not say stays in its metadata, also the text of a hidden message', () => {
  const hidden = node('assistant', ['to myself', call], { hidden: true, metadata: { channel: 'commentary' } })
  const [row, ...others] = rows([hidden])
  expect(others).toEqual([])
  expect(row).toMatchObject({
    content: CALLED.slice(8),
    metadata: {
      channel: 'commentary',
      tool_calls: [{ name: 'clock', input: { zone: 'UTC' } }],
      before: [{ id: '0', role: 'assistant', parts: [{ kind: 'text', text: 'to myself' }] }],
    },
  })
})
