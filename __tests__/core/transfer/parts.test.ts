import { contentId } from '../../../src/core/transfer/ids.ts'
import { fileName, measureDataUrl } from '../../../src/core/transfer/readers/attachments.ts'
import {
  asToolResults,
  joinTexts,
  reasoningParts,
  textOf,
  textParts,
  textsIn,
  toolCall,
  toolResult,
} from '../../../src/core/transfer/readers/parts.ts'

test('a blank text was said, blank reasoning was not', () => {
  expect([textParts(' '), textParts(''), textParts(null)]).toEqual([[{ kind: 'text', text: ' ' }], [], []])
  expect([reasoningParts('\n'), reasoningParts('\nmoss')]).toEqual([
    [],
    [{ kind: 'reasoning', text: '\nmoss' }],
  ])
})

test('what a tool was given and gave is a value where it is JSON, whoever stored it', () => {
  expect(toolCall(' search ', '{"q":"moss"}')).toEqual({
    kind: 'tool_call',
    name: 'search',
    input: { q: 'moss' },
  })
  expect(toolResult('', undefined)).toEqual({ kind: 'tool_result', name: null, output: null })
  expect(toolResult('count', '42')).toEqual({ kind: 'tool_result', name: 'count', output: '42' })
})

test('a long number among what a tool was given is not rounded', () => {
  const input = '{"message":1234567890123456789}'
  expect(toolCall('send', input)).toMatchObject({ input })
})

test('the words of a tool are results, its reasoning and files are what they are', () => {
  const thought = reasoningParts('hm')
  expect(asToolResults([...textParts('[1]'), ...thought])).toEqual([toolResult(null, [1]), ...thought])
  expect(textOf([...textParts('a'), ...thought, ...textParts('b')])).toBe('a\nb')
})

test.each([
  ['a text', 'moss', ['moss'], 'moss'],
  ['texts', ['moss', 'fern'], ['moss', 'fern'], 'moss\nfern'],
  [
    'pieces with texts',
    [{ type: 'input_text', text: 'moss' }, { text: 'fern' }],
    ['moss', 'fern'],
    'moss\nfern',
  ],
  ['a cited page', [{ type: 'knowledge', text: 'moss', url: 'u' }], ['moss'], undefined],
  ['a picture beside a text', ['moss', { type: 'image' }], ['moss'], undefined],
  ['nothing', [], [], undefined],
])('%s: the texts in it, and all of it', (_case, content, texts, joined) => {
  expect([textsIn(content), joinTexts(content)]).toEqual([texts, joined ?? content])
})

test('a file is told by its name in any path, and its content by size and hash', () => {
  expect(['/a/b.png', 'C:\\a\\b.png', 'b.png', 'a/b.png/'].map(fileName)).toEqual(Array(4).fill('b.png'))
  expect(measureDataUrl('data:text/plain;base64,YQ==')).toEqual({
    type: 'text/plain',
    bytes: 1,
    sha256: 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb',
  })
})

test('what has no id gets one of its content', () => {
  expect(contentId({ a: 1 })).toBe(contentId({ a: 1 }))
  expect(contentId({ a: 1 })).not.toBe(contentId({ a: 2 }))
  expect(contentId({ a: 1 })).toMatch(/^[0-9a-f]{32}$/)
})
