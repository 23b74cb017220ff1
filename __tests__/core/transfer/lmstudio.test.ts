import { looksLikeLMStudio, readLMStudio } from '../../../src/core/transfer/readers/lmstudio/lmstudio.ts'
import { activePath } from '../../../src/core/transfer/readers/tree.ts'
import { expectSound, readSample, textOf } from '../../helpers/conversation.ts'

const FILE = '1749154926123.conversation.json'
const sample = readSample('lmstudio.json')
const conversation = readLMStudio(sample, `Hobbies/${FILE}`)
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

const [made, moment] = [1749154926123, '2025-06-05T20:22:06.123000+00:00']

test.each([
  ['an ordinary name', { createdAt: made }, FILE, '1749154926123', moment],
  ['a name without a time beside it', {}, FILE, '1749154926123', moment],
  [
    'another time',
    { createdAt: made + 1 },
    FILE,
    '1749154926123@2025-06-05T20:22:06.124000+00:00',
    undefined,
  ],
  ['a name that someone chose', { createdAt: made }, 'kites.json', `kites@${moment}`, moment],
  ['a name alone', {}, 'kites.json', 'kites', null],
  ['a path of Windows', {}, `Hobbies\\${FILE}`, '1749154926123', moment],
  ['a path', {}, `a/b/${FILE}`, '1749154926123', moment],
  ["LM Studio's own place", {}, `/home/x/conversations/a/b/${FILE}`, 'a/b/1749154926123', moment],
])('the id and the time are read from %s', (_case, more, file, id, created_at = expect.anything()) => {
  expect(readLMStudio({ messages: [], ...more }, file)).toMatchObject({ id, created_at })
})

test.each([
  ['the file', FILE, 'Work/Kites'],
  ['its folder', `Kites/${FILE}`, 'Work/Kites'],
  ['all of them', `conversations/Work/Kites/${FILE}`, 'Work/Kites'],
])('whichever was named, here %s, the folder and the id are those of LM Studio', (_case, file, folder) => {
  const chat = readLMStudio(sample, file, `/home/x/.lmstudio/conversations/Work/Kites/${FILE}`)
  expect(chat).toMatchObject({ id: `${folder}/1749154926123`, metadata: { folder } })
})

test.each([
  ['a file that was named', FILE, `/home/x/${FILE}`, undefined],
  ['a file in a folder that was named', `./Kites/${FILE}`, `/home/x/Kites/${FILE}`, 'Kites'],
])('outside of LM Studio %s has no path of this computer in it', (_case, file, path, folder) => {
  const chat = readLMStudio(sample, file, path)
  expect([chat.id, chat.metadata.folder]).toEqual(['1749154926123', folder])
})

test('files of one name without any time are told apart by how they begin', () => {
  const chat = (text: string, more: object[] = []) =>
    readLMStudio({ messages: [{ versions: [{ role: 'user', content: text }, ...more] }] }, 'kites.json').id
  expect(chat('one')).not.toBe(chat('another'))
  expect(chat('one')).toBe(chat('one', [{ role: 'user', content: 'edited' }]))
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
