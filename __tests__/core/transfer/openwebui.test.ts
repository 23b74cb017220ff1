import { createHash } from 'node:crypto'
import { looksLikeOpenWebUI, readOpenWebUI } from '../../../src/core/transfer/readers/openwebui/openwebui.ts'
import { activePath } from '../../../src/core/transfer/readers/tree.ts'
import { expectSound, partsOf, readSample, textOf } from '../../helpers/conversation.ts'

const sample = readSample('openwebui.json')
const conversation = readOpenWebUI(sample)
const node = (id: string) => conversation.nodes.find((one) => one.id === id)

/** A chat of these messages, by their names. */
function chatOf(messages: Record<string, unknown>, currentId: unknown = null) {
  return readOpenWebUI({ id: 'c', chat: { history: { currentId, messages } } })
}

const reply = (content: unknown, more = {}) => chatOf({ a: { role: 'assistant', content, ...more } }).nodes[0]

test('a chat has its id, title, times, model and what has no other place', () => {
  expect(conversation).toMatchObject({
    id: '0b5d6d3e-2222-4a4a-9b9b-000000000002',
    title: 'Bread',
    created_at: '2025-06-05T20:22:06.000000+00:00',
    updated_at: '2025-06-05T20:23:20.000000+00:00',
    model_name: 'qwen3:8b',
    is_archived: false,
    current: 'a3',
    metadata: { pinned: true, folder_id: 'f-1', meta: { tags: ['kitchen'] }, params: { temperature: 0.2 } },
  })
  expectSound(conversation)
})

test('the active path is found where a parent is lost but the children are listed', () => {
  expect(activePath(conversation).map(({ id }) => id)).toEqual(['u1', 'a2', 'u2', 'a3'])
})

test('two models that answered side by side are siblings, each with its name', () => {
  const siblings = conversation.nodes.filter(({ parent }) => parent === 'u1')
  expect(siblings.map(({ id, model_name }) => [id, model_name])).toEqual([
    ['a1', 'llama3.2:latest'],
    ['a2', 'qwen3:8b'],
  ])
})

test('the time of a message is in seconds or milliseconds', () => {
  expect(node('a1')?.created_at).toBe('2025-06-05T20:22:10.000000+00:00')
  expect(node('a2')?.created_at).toBe('2025-06-05T20:22:11.000000+00:00')
})

test('blocks in the text become parts in their order, with nothing escaped', () => {
  expect(node('a2')?.parts).toEqual([
    { kind: 'reasoning', text: 'Cold dough & warm dough differ.\n\n3 < 4' },
    { kind: 'tool_call', name: 'timer', input: { hours: 3 } },
    { kind: 'tool_result', name: 'timer', output: '"set"' },
    { kind: 'text', text: 'Three hours.' },
    { kind: 'tool_call', name: 'code_interpreter', input: { language: 'python', code: 'print(3 * 60)' } },
    { kind: 'tool_result', name: 'code_interpreter', output: { stdout: '180' } },
    { kind: 'text', text: 'That is 180 minutes.' },
  ])
})

test('what a person writes is text, blocks or not', () => {
  expect(textOf(node('u1'))).toBe('How long does <details type="reasoning"> dough rest?')
})

test('files are attachments: a picture with size and hash, a document with its text', () => {
  const sha256 = createHash('sha256').update('hello').digest('hex')
  expect(partsOf(node('u1'), 'attachment')).toEqual([
    { kind: 'attachment', name: null, type: 'image/png', bytes: 5, sha256 },
    {
      kind: 'attachment',
      name: 'recipe.txt',
      type: 'text/plain',
      bytes: 12,
      sha256: null,
      text: 'Flour, water',
    },
  ])
})

test('output items are read where the text is empty', () => {
  expect(node('a3')?.parts).toEqual([
    { kind: 'reasoning', text: 'Cold slows it.' },
    { kind: 'tool_call', name: 'lookup', input: { q: 'cold' } },
    { kind: 'tool_result', name: 'lookup', output: 'a night' },
    { kind: 'text', text: 'A night.' },
  ])
  expect(node('a3')?.metadata).toEqual({ sources: [{ source: { name: 'Book' } }] })
})

const output = [
  { type: 'reasoning', content: [{ text: 'hm' }] },
  { type: 'open_webui:code_interpreter', code: '1', lang: 'python', output: { stdout: '1' } },
  { type: 'message', content: [{ text: 'old words' }] },
]

test('with text and output items, words are taken from the text and work from the items, each once', () => {
  expect(reply('new words', { output })?.parts).toEqual([
    { kind: 'reasoning', text: 'hm' },
    { kind: 'tool_call', name: 'code_interpreter', input: { language: 'python', code: '1' } },
    { kind: 'tool_result', name: 'code_interpreter', output: { stdout: '1' } },
    { kind: 'text', text: 'new words' },
  ])
  const written = '<details type="reasoning">\nhm\n</details>\nnew words'
  expect(reply(written, { output })).toEqual(reply('new words', { output }))
  expect(reply('<details type="reasoning">\nhm\n</details>\nold  words', { output })?.parts.at(-1)).toEqual({
    kind: 'text',
    text: 'old words',
  })
})

test.each<[string, string, object[]]>([
  [
    'another type',
    '<details type="x">\na</details>',
    [{ kind: 'text', text: '<details type="x">\na</details>' }],
  ],
  ['no type', '<details>\na</details>', [{ kind: 'text', text: '<details>\na</details>' }]],
  [
    'its place in fenced code',
    '```html\n<details type="reasoning">\na\n</details>\n```',
    [{ kind: 'text', text: '```html\n<details type="reasoning">\na\n</details>\n```' }],
  ],
  [
    'its place in a sentence',
    'Write <details type="reasoning"> first',
    [{ kind: 'text', text: 'Write <details type="reasoning"> first' }],
  ],
  ['no end of its tag', '<details type="reasoning"', [{ kind: 'text', text: '<details type="reasoning"' }]],
  ['a quote without end', '<details type="x', [{ kind: 'text', text: '<details type="x' }]],
  [
    'no end',
    'a\n<details type="reasoning">\nb',
    [
      { kind: 'text', text: 'a' },
      { kind: 'reasoning', text: 'b' },
    ],
  ],
  [
    'another inside',
    '<details type="reasoning">\na <details>b</details> c</details> d',
    [
      { kind: 'reasoning', text: 'a <details>b</details> c' },
      { kind: 'text', text: 'd' },
    ],
  ],
  [
    'one inside that is only mentioned',
    '<details type="reasoning">\nuse <details here\n</details>\nd',
    [
      { kind: 'reasoning', text: 'use <details here' },
      { kind: 'text', text: 'd' },
    ],
  ],
  [
    'a > in an attribute, a result in its body and files',
    '<details type="tool_calls" name="a>b" files="[&quot;data:text/plain,hi%21&quot;, &quot;/f/1&quot;, 3, null]">\n<summary>S</summary>\n{&quot;n&quot;:1}\n</details>',
    [
      { kind: 'tool_call', name: 'a>b', input: null },
      { kind: 'tool_result', name: 'a>b', output: { n: 1 } },
      expect.objectContaining({ kind: 'attachment', type: 'text/plain', bytes: 3 }),
      expect.objectContaining({ kind: 'attachment', name: '/f/1', sha256: null }),
      expect.objectContaining({ kind: 'attachment', name: '3' }),
    ],
  ],
  [
    'escapes by number, and what is none',
    '<details type="reasoning">\n&#x27;&#39;&#0;&#x110000;&nope;&amp;lt;\n</details>',
    [{ kind: 'reasoning', text: "''&#0;&#x110000;&nope;&lt;" }],
  ],
  ['nothing in it', '<details type="reasoning">\n</details>\n', []],
])('a block with %s is read', (_case, content, expected) => {
  expect(reply(content)?.parts).toEqual(expected)
})

test.each<[string, unknown, object[]]>([
  ['nothing', null, []],
  ['a number', 7, [{ kind: 'text', text: '7' }]],
  [
    'a list of texts and pictures',
    [
      { type: 'text', text: 'Look' },
      { type: 'image_url', image_url: { url: 'https://p.example/1.png' } },
      { type: 'image_url' },
    ],
    [{ kind: 'text', text: 'Look' }, expect.objectContaining({ name: 'https://p.example/1.png' })],
  ],
])('content may be %s', (_case, content, expected) => {
  expect(reply(content)?.parts).toEqual(expected)
})

test.each<[string, Record<string, unknown>, unknown, string[]]>([
  [
    'a wrong current message: the newest leaf',
    { a: { timestamp: 5 }, b: { parentId: 'a', timestamp: 9 }, c: { parentId: 'a', timestamp: 7 } },
    'x',
    ['a', 'b'],
  ],
  ['children that do not exist', { a: { childrenIds: ['x', null, 'b'] }, b: {} }, 'b', ['a', 'b']],
  ['a circle', { a: { parentId: 'b' }, b: { parentId: 'a' } }, 'b', ['a', 'b']],
  ['a message that is null', { a: {}, b: null, c: { parentId: 'a' } }, 'c', ['a', 'c']],
])('a damaged tree is mended: %s', (_case, messages, currentId, path) => {
  const mended = chatOf(messages, currentId)
  expectSound(mended)
  expect(activePath(mended).map(({ id }) => id)).toEqual(path)
})

test.each([
  [
    'without the wrapping',
    {
      id: 'c',
      title: 'T',
      timestamp: 1749154926123,
      history: { messages: { a: { role: 'user', content: 'Hi' } } },
    },
  ],
  [
    'as the text that a database holds',
    {
      id: 'c',
      title: 'T',
      created_at: 1749154926.123,
      chat: JSON.stringify({ history: { messages: { a: { role: 'user', content: 'Hi' } } } }),
    },
  ],
  [
    'with a flat list only',
    {
      id: 'c',
      title: 'T',
      chat: { timestamp: 1749154926123, messages: [{ id: 'a', role: 'user', content: 'Hi' }] },
    },
  ],
  [
    'with a flat list only, without any wrapping',
    {
      id: 'c',
      title: 'T',
      models: ['llama2'],
      timestamp: 1749154926123,
      messages: [{ id: 'a', role: 'user', content: 'Hi' }],
    },
  ],
  [
    'with an empty tree beside the list',
    {
      id: 'c',
      title: 'T',
      chat: {
        timestamp: 1749154926123,
        history: { messages: {} },
        messages: [{ id: 'a', role: 'user', content: 'Hi' }],
      },
    },
  ],
])('a chat is read %s', (_case, value) => {
  expect(looksLikeOpenWebUI(value)).toBe(true)
  expect(readOpenWebUI(value)).toMatchObject({
    id: 'c',
    title: 'T',
    created_at: '2025-06-05T20:22:06.123000+00:00',
    current: 'a',
    nodes: [{ id: 'a', role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }],
  })
})

test('messages of a flat list follow one another, with or without ids', () => {
  const flat = readOpenWebUI({
    id: 'c',
    messages: [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ],
  })
  expect(activePath(flat).map(textOf)).toEqual(['a', 'b'])
})

test('a chat that is stored as text is read, whatever numbers are in it', () => {
  const chat = '{"params":{"seed":12345678901234567890},"messages":[{"role":"user","content":"a"}]}'
  expect(readOpenWebUI({ id: 'c-1', chat }).nodes.map(textOf)).toEqual(['a'])
})

test('what a tool says is a result, never text', () => {
  const { nodes } = chatOf({ a: { role: 'tool', content: '{"n":1}' } })
  expect(nodes[0]).toMatchObject({
    role: 'tool',
    hidden: true,
    parts: [{ kind: 'tool_result', output: { n: 1 } }],
  })
})

test.each([
  ['is no object', 'x', null],
  ['has no messages', { id: 'c-1', chat: {} }, 'c-1'],
  ['has messages that are a text', { id: 'c-1', chat: { history: { messages: 'x' } } }, 'c-1'],
])('what %s is refused, with its id', (_case, value, id) => {
  expect(() => readOpenWebUI(value)).toThrow(expect.objectContaining({ name: 'Refused', id }))
})

test.each([
  ['a chat', sample, true],
  ['a conversation of ChatGPT', { mapping: {}, chat: { history: {} } }, false],
  ['a list of messages of someone else', { messages: [] }, false],
  ['messages to train a model with', { messages: [{ role: 'user', content: 'Hi' }] }, false],
  [
    'what another program shows',
    { title: 'T', date: 'x', messages: [{ role: 'user', content: 'Hi' }] },
    false,
  ],
  ['a chat of models in which nothing was said', { models: ['llama2'], messages: [] }, true],
  ['messages of something else', { models: [], messages: [{ versions: [] }] }, false],
  ['nothing', null, false],
])('%s is told apart', (_case, value, expected) => {
  expect(looksLikeOpenWebUI(value)).toBe(expected)
})
