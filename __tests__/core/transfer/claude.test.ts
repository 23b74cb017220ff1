import { looksLikeClaude, readClaude } from '../../../src/core/transfer/readers/claude/claude.ts'
import { activePath } from '../../../src/core/transfer/readers/tree.ts'
import { expectSound, readSample, textOf } from '../../helpers/conversation.ts'

const sample = readSample('claude.json')
const conversation = readClaude(sample)
const node = (id: string) => conversation.nodes.find((one) => one.id === id)
const read = (...messages: unknown[]) => readClaude({ uuid: 'c', chat_messages: messages })

test('a conversation has its id and times; an empty name is no title', () => {
  expect(conversation).toMatchObject({
    id: '5c1d0000-3333-4a4a-9b9b-000000000003',
    title: null,
    created_at: '2025-06-05T20:22:06.123456+00:00',
    updated_at: '2025-06-05T20:30:00.000000+00:00',
    model_name: null,
    is_archived: false,
    metadata: { summary: 'About moss', account: { uuid: 'acc-1' } },
  })
  expectSound(conversation)
})

test('messages are put together by their parents, and the newest leaf is the current one', () => {
  expect(activePath(conversation).map(({ id }) => id)).toEqual(['m1', 'm2', 'm3b'])
  expect(node('m3')?.parent).toBe('m2')
  expect(node('m1')?.metadata).toEqual({})
})

test('the parts of a message keep their order; an unknown block and the pages cited are kept beside them', () => {
  expect(node('m2')?.parts).toEqual([
    { kind: 'reasoning', text: 'It is a wall.' },
    { kind: 'tool_call', name: 'web_search', input: { query: 'moss' } },
    { kind: 'tool_result', name: 'web_search', output: 'Moss\ngrows' },
    { kind: 'tool_call', name: null, input: {} },
    {
      kind: 'tool_result',
      name: 'repl',
      output: { is_error: true, content: [{ type: 'image', file_uuid: 'i1' }] },
    },
    { kind: 'text', text: 'Moss.' },
  ])
  expect(node('m2')?.metadata).toEqual({
    stop_reason: 'stop_sequence',
    unknown_blocks: [{ type: 'flag', flag: 'x' }],
    references: [{ url: 'https://moss.example', title: 'Moss' }],
  })
})

test('a pasted document is an attachment with its text, and a file that is listed twice is one', () => {
  expect(node('m1')?.parts).toEqual([
    { kind: 'text', text: 'What grows here?' },
    {
      kind: 'attachment',
      name: 'list.txt',
      type: 'txt',
      bytes: 18,
      sha256: null,
      text: 'moss, fern, lichen',
    },
    { kind: 'attachment', name: 'wall.jpg', type: null, bytes: null, sha256: null },
  ])
})

test.each([
  [
    'in blocks',
    {
      text: 'flat',
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    },
    'a\nb',
  ],
  ['flat', { text: 'flat' }, 'flat'],
  ['flat, with blocks that say nothing', { text: 'flat', content: [{ type: 'token_budget' }, null] }, 'flat'],
  [
    'flat, with a placeholder',
    { text: 'This block is not supported on your current device yet.\n\nyes' },
    'yes',
  ],
  ['nowhere', { text: '```\nThis block is not supported on your current device yet.\n```', content: [] }, ''],
  ['in content that is one text', { content: 'flat' }, 'flat'],
  ['in content that is texts', { content: ['a', 'b'] }, 'a\nb'],
])('text stands %s', (_case, message, expected) => {
  expect(textOf(read({ uuid: 'a', sender: 'human', ...message }).nodes[0])).toBe(expected)
})

test('older exports without parents are one message after the other, by index where there is one', () => {
  const plain = read({ uuid: 'a', sender: 'human', text: '1' }, { uuid: 'b', sender: 'assistant', text: '2' })
  expect(activePath(plain).map(textOf)).toEqual(['1', '2'])
  const indexed = read({ uuid: 'b', index: 1, text: '2' }, { uuid: 'a', index: '0', text: '1' })
  expect(activePath(indexed).map(textOf)).toEqual(['1', '2'])
})

test('a single conversation names its model and current leaf', () => {
  const dump = readClaude({ ...sample, model: 'claude-x', current_leaf_message_uuid: 'm3', name: 'Moss' })
  expect(dump).toMatchObject({ title: 'Moss', model_name: 'claude-x', current: 'm3' })
  expect(dump.nodes.map(({ model_name }) => model_name)).toEqual([null, 'claude-x', null, null])
})

test('messages with the same id are both kept, unless they are the same', () => {
  const message = { uuid: 'a', sender: 'human', text: '1' }
  expect(read(message, { ...message, text: '2' }).nodes.map(({ id }) => id)).toEqual(['a', 'a#2'])
})

test('thinking may be given in summaries, and an unknown sender is kept', () => {
  const { nodes } = read({
    sender: 'Narrator',
    content: [{ type: 'thinking', thinking: '', summaries: [{ summary: 'S' }] }],
  })
  expect(nodes[0]).toMatchObject({ role: 'system', parts: [{ kind: 'reasoning', text: 'S' }] })
  expect(nodes[0]?.metadata).toEqual({ source_role: 'Narrator' })
})

test('what a tool says is a result, never text', () => {
  expect(read({ sender: 'tool', text: 'x' }).nodes[0]).toMatchObject({
    role: 'tool',
    parts: [{ kind: 'tool_result', output: 'x' }],
  })
})

test('a conversation without messages is empty', () => {
  expect(read()).toMatchObject({ nodes: [], current: null })
})

test.each([
  ['is no object', 4, null],
  ['has no messages', { uuid: 'c-1', name: 'x' }, 'c-1'],
])('what %s is refused, with its id', (_case, value, id) => {
  expect(() => readClaude(value)).toThrow(expect.objectContaining({ name: 'Refused', id }))
})

test.each([
  ['a conversation', sample, true],
  ['a project', { uuid: 'p', name: 'x', docs: [] }, false],
  ['nothing', null, false],
])('%s is told apart', (_case, value, expected) => {
  expect(looksLikeClaude(value)).toBe(expected)
})
