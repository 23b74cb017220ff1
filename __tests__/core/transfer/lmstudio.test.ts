import { looksLikeLMStudio, readLMStudio } from '../../../src/core/transfer/lmstudio.ts'
import { activePath } from '../../../src/core/transfer/tree.ts'
import { expectSound, readSample, textOf } from '../../helpers/conversation.ts'

const FILE = '1749154926123.conversation.json'
const sample = readSample('lmstudio.json')
const conversation = readLMStudio(sample, FILE, 'Hobbies')
const node = (id: string) => conversation.nodes.find((one) => one.id === id)
const read = (...messages: unknown[]) => readLMStudio({ messages }, FILE)

test('a conversation has the name of its file as id, and title, times, model, folder', () => {
  expect(conversation).toMatchObject({
    id: '1749154926123',
    title: 'Kites',
    created_at: '2025-06-05T20:22:06.123000+00:00',
    updated_at: '2025-06-05T20:23:20.000000+00:00',
    model_name: 'qwen3-4b',
    is_archived: false,
    metadata: { folder: 'Hobbies', tokenCount: 99 },
  })
  expectSound(conversation)
})

test('the active path is made of the versions that are selected; the others are their siblings', () => {
  expect(activePath(conversation).map(({ id }) => id)).toEqual(['system', '0.1', '1.0', '2.0'])
  expect(conversation.nodes.map(({ id, parent }) => [id, parent])).toEqual([
    ['system', null],
    ['0.0', 'system'],
    ['0.1', 'system'],
    ['1.0', '0.1'],
    ['1.1', '0.1'],
    ['2.0', '1.0'],
  ])
})

test('the system prompt is a hidden message before the others; an empty one is none', () => {
  expect(node('system')).toMatchObject({
    role: 'system',
    hidden: true,
    parts: [{ kind: 'text', text: 'Be brief.' }],
  })
  expect(readLMStudio({ systemPrompt: ' ', messages: [] }, FILE).nodes).toEqual([])
})

test('pieces of a text are joined, and a file is an attachment', () => {
  expect(node('0.1')?.parts).toEqual([
    { kind: 'text', text: 'What is a box kite?' },
    { kind: 'attachment', name: '1749-kite.png', type: 'image', bytes: 321, sha256: null },
  ])
})

test('the steps of a reply become parts; what only tells how the work went is left out', () => {
  expect(node('1.0')?.parts).toEqual([
    { kind: 'reasoning', text: 'A kite with cells.' },
    { kind: 'text', text: 'Let me look.' },
    { kind: 'tool_call', name: 'search', input: { q: 'box kite' } },
    { kind: 'tool_result', name: null, output: [{ text: 'Hargrave' }] },
    { kind: 'text', text: 'A kite of cells.' },
  ])
})

test('a reply has its model, the time in its first step, and how it was made', () => {
  expect(node('1.0')).toMatchObject({
    role: 'assistant',
    hidden: false,
    model_name: 'qwen3-4b-instruct',
    created_at: '2025-06-05T20:23:19.000000+00:00',
    metadata: { sender: 'Qwen3 4B', stats: { stopReason: 'eosFound' } },
  })
  expect(node('1.1')?.model_name).toBe('Qwen3 4B')
  expect(node('0.0')?.created_at).toBeNull()
})

test.each([
  ['the file that was chosen by someone', 'kites.json', 'kites', null],
  ['a path of Windows', `Hobbies\\${FILE}`, '1749154926123', '2025-06-05T20:22:06.123000+00:00'],
  ['a path', `a/b/${FILE}`, '1749154926123', '2025-06-05T20:22:06.123000+00:00'],
])('the id is read from %s, the time from it only where it is one', (_case, file, id, created_at) => {
  expect(readLMStudio({ messages: [] }, file)).toMatchObject({ id, created_at })
})

test('a file without a name has an id made from its content', () => {
  expect(readLMStudio({ messages: [] }, '').id).toMatch(/^[0-9a-f]{32}$/)
})

test.each<[string, unknown[], string[]]>([
  ['no versions around it', [{ type: 'singleStep', role: 'user', content: [{ text: 'a' }] }], ['a']],
  ['versions that are not there', [{ versions: [] }, { versions: [{ role: 'user', content: 'b' }] }], ['b']],
  [
    'a version that is null',
    [{ versions: [null, { role: 'user', content: ['c'] }], currentlySelected: 0 }],
    ['c'],
  ],
  ['nothing in it', [null, 3, {}, { versions: [{}] }], []],
  ['steps but no role', [{ versions: [{ steps: [{ content: [{ text: 'd' }] }] }] }], ['d']],
])('a message may have %s', (_case, messages, texts) => {
  expect(activePath(read(...messages)).map(textOf)).toEqual(texts)
})

test('what a tool says is a result, never text', () => {
  const step = { type: 'contentBlock', role: 'tool', content: [{ type: 'text', text: 'x' }] }
  const { nodes } = read(
    { versions: [{ type: 'multiStep', steps: [step] }] },
    { versions: [{ role: 'tool', content: 'y' }] },
  )
  expect(nodes[0]).toMatchObject({ role: 'assistant', parts: [{ kind: 'tool_result', output: 'x' }] })
  expect(nodes[1]).toMatchObject({ role: 'tool', parts: [{ kind: 'tool_result', output: 'y' }] })
})

test('steps of an unknown kind are kept in the metadata', () => {
  const { nodes } = read({ versions: [{ type: 'multiStep', steps: [{ type: 'dance', turns: 2 }] }] })
  expect(nodes[0]).toMatchObject({ parts: [], metadata: { unknown_steps: [{ type: 'dance', turns: 2 }] } })
})

test.each([
  ['is no object', [], '1749154926123'],
  ['has no messages', { name: 'x' }, '1749154926123'],
])('what %s is refused, with its id', (_case, value, id) => {
  expect(() => readLMStudio(value, FILE)).toThrow(expect.objectContaining({ name: 'Refused', id }))
})

test.each([
  ['a conversation', sample, true],
  ['one without messages', { messages: [], systemPrompt: '' }, true],
  ['messages of someone else', { messages: [{ role: 'user' }] }, false],
  ['an empty list of messages', { messages: [] }, false],
  ['nothing', null, false],
])('%s is told apart', (_case, value, expected) => {
  expect(looksLikeLMStudio(value)).toBe(expected)
})
