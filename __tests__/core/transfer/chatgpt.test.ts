import { Refused } from '../../../src/core/transfer/conversation.ts'
import { looksLikeChatGPT, readChatGPT } from '../../../src/core/transfer/readers/chatgpt/chatgpt.ts'
import { activePath } from '../../../src/core/transfer/readers/tree.ts'
import { expectSound, partsOf, readSample, textOf } from '../../helpers/conversation.ts'

const sample = readSample('chatgpt.json')
const conversation = readChatGPT(sample)
const node = (id: string) => conversation.nodes.find((one) => one.id === id)

/** A conversation of one message after another, in the slim form: three keys a node, few a message. */
function slim(...messages: Record<string, unknown>[]) {
  const mapping = Object.fromEntries(
    messages.map((message, index) => [
      `n${index}`,
      { id: `n${index}`, parent: index ? `n${index - 1}` : null, message },
    ]),
  )
  return readChatGPT({ conversation_id: 'c', mapping })
}

const said = (role: string, content: unknown, more = {}) => ({ author: { role }, content, ...more })

test('a conversation has its id, title, times, model and what has no other place', () => {
  expect(conversation).toMatchObject({
    id: '68f0a1c2-1111-4a4a-9b9b-000000000001',
    title: 'Tides at the harbour',
    created_at: '2025-06-05T20:22:06.123456+00:00',
    updated_at: '2025-06-05T20:23:20.123000+00:00',
    model_name: 'gpt-4o',
    is_archived: true,
    current: 'answer-2',
    metadata: { gizmo_id: 'g-tides' },
  })
  expectSound(conversation)
})

test('the active path goes from the first message to the current one, whatever the order in the file', () => {
  expect(activePath(conversation).map(({ id }) => id)).toEqual([
    'empty-system',
    'instructions',
    'question',
    'thinking',
    'recap',
    'call',
    'result',
    'answer-2',
  ])
})

test('a place without a message is left out, and what hangs there moves up', () => {
  expect(node('root')).toBeUndefined()
  expect(node('empty-system')).toMatchObject({ parent: null, hidden: true, parts: [] })
})

test('custom instructions are a hidden system message, though a person is said to have written them', () => {
  expect(node('instructions')).toMatchObject({ role: 'system', hidden: true })
  expect(node('instructions')?.metadata.source_role).toBe('user')
  expect(textOf(node('instructions'))).toBe('I sail.\n\nAnswer in short.')
})

test('a message of several parts keeps its words, transcripts and files, and what nobody knows', () => {
  const question = node('question')
  expect(textOf(question)).toBe('When is high water?\nI mean today.')
  expect(partsOf(question, 'attachment')).toEqual([
    {
      kind: 'attachment',
      name: 'harbour.png',
      type: 'image/png',
      bytes: 20481,
      sha256: null,
      file: 'file_00a1',
    },
    {
      kind: 'attachment',
      name: 'table.pdf',
      type: 'application/pdf',
      bytes: 999,
      sha256: null,
      file: 'file_00a2',
    },
  ])
  expect(question?.metadata).toMatchObject({
    unknown_parts: [{ content_type: 'hologram', depth: 3 }],
    assets: [{ asset_pointer: 'sediment://file_00a1', width: 640, height: 480, size_bytes: 20480 }],
  })
})

test('thoughts and the line about them are reasoning, not text', () => {
  expect(node('thinking')?.parts).toEqual([
    { kind: 'reasoning', text: 'Looking\nThe harbour has a table.' },
    { kind: 'reasoning', text: 'Checking\nNoon it is.' },
  ])
  expect(node('recap')?.parts).toEqual([{ kind: 'reasoning', text: 'Thought for 7 seconds' }])
})

test('what a model says to a tool, and the tool to it, is hidden traffic and no text', () => {
  expect(node('call')).toMatchObject({
    role: 'assistant',
    hidden: true,
    parts: [{ kind: 'tool_call', name: 'web', input: { q: 'tides' } }],
  })
  expect(node('result')).toMatchObject({
    role: 'tool',
    hidden: true,
    parts: [{ kind: 'tool_result', name: 'web', output: 'noon' }],
  })
})

test('private marks become the link or name that they stand for, and the pages are kept', () => {
  expect(textOf(node('answer-2'))).toBe(
    'High water is at noon([Harbour](https://harbour.example/tides)). Ask in Whitby.\nBring boots.',
  )
  expect(node('answer-2')?.metadata.references).toEqual([
    { title: 'Harbour', url: 'https://harbour.example/tides' },
  ])
})

test.each([
  ['goes when nothing is known of it', 'a\uE200cite\uE202turn0search9\uE201b', {}, 'ab'],
  ['leaves the words of a link', 'see \uE200url\uE202the page\uE202turn0view0\uE201', {}, 'see the page'],
  [
    'is found by its place in the text',
    'so【11†source】it is',
    {
      citations: [{ start_ix: 2, end_ix: 13, metadata: { title: 'A $& page', url: 'https://a.example' } }],
    },
    'so([A $& page](https://a.example))it is',
  ],
  [
    'is found by its place counted in characters',
    '🌊🌊【11†source】',
    { citations: [{ start_ix: 2, end_ix: 13, metadata: { url: 'https://a.example' } }] },
    '🌊🌊([https://a.example](https://a.example))',
  ],
  ['stays when its place holds words', 'so it is', { citations: [{ start_ix: 0, end_ix: 2 }] }, 'so it is'],
  [
    'is a list of links where there is no wording for it',
    'x\uE200cite\uE201',
    {
      content_references: [
        {
          matched_text: '\uE200cite\uE201',
          items: [{ url: 'https://a.example' }, { url: 'https://b.example' }],
        },
      ],
    },
    'x([https://a.example](https://a.example), [https://b.example](https://b.example))',
  ],
])('a citation %s', (_case, text, metadata, expected) => {
  const { nodes } = slim(said('assistant', { content_type: 'text', parts: [text] }, { metadata }))
  expect(textOf(nodes[0])).toBe(expected)
})

test.each([
  ['its own model', { model_slug: 'o3' }, 'o3'],
  ['that of the conversation without one', {}, 'gpt-4o'],
  ['that of the conversation without any metadata', null, 'gpt-4o'],
])('a reply has %s', (_case, metadata, expected) => {
  const reply = { id: 'a', parent: null, message: said('assistant', { parts: ['Hi'] }, { metadata }) }
  const { nodes } = readChatGPT({ id: 'c', default_model_slug: 'gpt-4o', mapping: { a: reply } })
  expect(nodes[0]?.model_name).toBe(expected)
})

test('a usual model that is chosen anew each time is no model', () => {
  const mapping = { a: { message: said('assistant', { parts: ['Hi'] }, { metadata: { model_slug: 'o3' } }) } }
  expect(readChatGPT({ id: 'c', default_model_slug: 'auto', mapping }).model_name).toBe('o3')
})

test('the slim form, without children, recipients, metadata, current message and times, is read in full', () => {
  const conversation = slim(said('user', { parts: ['Hello'] }), said('assistant', { parts: ['Hi'] }))
  expect(activePath(conversation).map(textOf)).toEqual(['Hello', 'Hi'])
  expect(conversation).toMatchObject({
    id: 'c',
    title: null,
    created_at: null,
    current: 'n1',
    model_name: null,
  })
})

test.each<[string, Record<string, unknown>, object]>([
  [
    'output of run code with its images',
    said(
      'tool',
      { content_type: 'execution_output', text: '42' },
      {
        author: { role: 'tool', name: 'python' },
        metadata: {
          aggregate_result: { messages: [{ image_url: 'file-service://file-x1', width: 9 }, null] },
        },
      },
    ),
    {
      role: 'tool',
      hidden: false,
      parts: [
        { kind: 'tool_result', name: 'python', output: '42' },
        { kind: 'attachment', name: 'file-x1' },
      ],
    },
  ],
  [
    'an error of the system',
    said('system', { content_type: 'system_error', name: 'x', text: 'failed' }),
    {
      role: 'system',
      hidden: true,
      parts: [{ kind: 'tool_result', name: 'system_error', output: 'failed' }],
    },
  ],
  [
    'words to a tool that remembers',
    said('assistant', { content_type: 'text', parts: ['User sails.'] }, { recipient: 'bio' }),
    { hidden: true, parts: [{ kind: 'tool_call', name: 'bio', input: 'User sails.' }] },
  ],
  [
    'a quotation that a person added',
    said('user', { content_type: 'tether_quote', url: 'https://q.example', title: 'Q', text: 'quoted' }),
    { parts: [{ kind: 'attachment', name: 'Q', text: 'quoted' }] },
  ],
  [
    'a recording',
    said('user', {
      content_type: 'multimodal_text',
      parts: [
        {
          content_type: 'real_time_user_audio_video_asset_pointer',
          audio_asset_pointer: { asset_pointer: 'sediment://file_a', format: 'wav', size_bytes: '5' },
          frames_asset_pointers: [{ asset_pointer: 'sediment://file_b' }],
        },
      ],
    }),
    {
      parts: [
        { kind: 'attachment', name: 'file_a', type: 'audio/wav', bytes: 5 },
        { kind: 'attachment', name: 'file_b', type: null, bytes: null },
      ],
    },
  ],
  [
    'an unknown kind with text',
    said('assistant', { content_type: 'poem', text: 'Rose' }),
    { parts: [{ kind: 'text', text: 'Rose' }], metadata: { content_type: 'poem' } },
  ],
  [
    'an unknown kind without text',
    said('assistant', { content_type: 'dance', steps: [1] }),
    { parts: [], metadata: { content: { content_type: 'dance', steps: [1] } } },
  ],
  [
    'an unknown role',
    said('critic', { parts: ['Hm'] }),
    { role: 'system', metadata: { source_role: 'critic' } },
  ],
  [
    'a role of another name',
    said('function', { parts: ['1'] }),
    { role: 'tool', metadata: { source_role: 'function' } },
  ],
  ['content that is only a text', said('user', 'Hello'), { parts: [{ kind: 'text', text: 'Hello' }] }],
  ['nothing at all', {}, { role: 'system', hidden: true, parts: [] }],
])('%s is read', (_case, message, expected) => {
  expect(slim(message).nodes[0]).toMatchObject(expected)
})

test.each([
  ['is no object', null, null],
  ['is a list', [], null],
  ['has no mapping', { id: 'c-1' }, 'c-1'],
  ['has a mapping that is a list', { id: 'c-1', mapping: [] }, 'c-1'],
])('what %s is refused, with its id', (_case, value, id) => {
  expect(() => readChatGPT(value)).toThrow(Refused)
  expect(() => readChatGPT(value)).toThrow(expect.objectContaining({ id }))
})

test('a conversation without messages is empty, and one without an id has one made from its content', () => {
  expect(readChatGPT({ mapping: {} })).toMatchObject({ nodes: [], current: null })
  expect(readChatGPT({ mapping: {} }).id).toBe(readChatGPT({ mapping: {} }).id)
  expect(readChatGPT({ mapping: {} }).id).not.toBe(readChatGPT({ mapping: {}, title: 'x' }).id)
})

test.each([
  ['a conversation', sample, true],
  ['a conversation whose mapping is lost', { mapping: null }, true],
  ['a chat of Open WebUI', { chat: { history: {} } }, false],
  ['a number', 1, false],
  ['nothing', null, false],
])('%s is told apart', (_case, value, expected) => {
  expect(looksLikeChatGPT(value)).toBe(expected)
})
