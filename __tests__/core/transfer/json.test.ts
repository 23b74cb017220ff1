import {
  decodeJson,
  jsonOf,
  parseJson,
  storedJson,
  storedMetadata,
  toJson,
} from '../../../src/core/transfer/readers/json.ts'

const twice = (value: unknown) => JSON.stringify(JSON.stringify(value))
const big = '{"id":1234567890123456789}'

test.each([
  ['an object', '{"a":[1]}', { a: [1] }, { a: [1] }, { a: [1] }],
  ['an object, encoded twice', twice({ a: 1 }), { a: 1 }, { a: 1 }, { a: 1 }],
  ['an array with blanks around it', ' [1] ', [1], [1], [1]],
  ['a text', '"moss"', 'moss', '"moss"', 'moss'],
  ['a text of digits, encoded twice', twice(7), '7', twice(7), '7'],
  ['a number', '42', 42, '42', 42],
  ['a truth', 'true', true, 'true', true],
  ['null', 'null', null, 'null', null],
  ['words', 'not here', undefined, 'not here', 'not here'],
  ['half an object', '{"a":', undefined, '{"a":', '{"a":'],
  ['nothing', null, null, null, null],
  ['an empty text', '', undefined, '', null],
  ['bytes', new TextEncoder().encode('{"a":1}'), { a: 1 }, { a: 1 }, { a: 1 }],
])('%s: to be read, as what it happens to be, as it was stored', (_case, value, read, happens, stored) => {
  expect([parseJson(value), decodeJson(value), storedJson(value)]).toEqual([read, happens, stored])
})

test('a value that is already one is not changed', () => {
  const value = { a: '{"b":1}' }
  expect([parseJson(value), decodeJson(value)]).toEqual([value, value])
})

test('numbers that would change are kept as they are written; what is only read may be rounded', () => {
  expect([decodeJson(big), storedJson(big)]).toEqual([big, big])
  expect(storedMetadata(big)).toEqual({ source_metadata: big })
  expect(Object.keys(parseJson(big) as object)).toEqual(['id'])
})

test.each([
  ['{"a":1}', { a: 1 }],
  ['["search"]', { tools: ['search'] }],
  ['null', {}],
  ['', {}],
  [null, {}],
  ['a note', { source_metadata: 'a note' }],
  ['7', { source_metadata: 7 }],
])('stored metadata %p becomes %p', (value, expected) => {
  expect(storedMetadata(value, 'tools')).toEqual(expected)
})

test('what cannot be written as JSON is null', () => {
  let deep: unknown[] = []
  for (let level = 0; level < 100_000; level++) deep = [deep]
  expect([jsonOf(deep), jsonOf(undefined), jsonOf({ a: 1 })]).toEqual([null, null, '{"a":1}'])
})

const nested = (levels: number) => `{"a":"\\"[{","b":${'['.repeat(levels)}${']'.repeat(levels)}}`

test('what is nested deeper than SQLite reads is refused, brackets in texts are none', () => {
  expect(toJson(JSON.parse(nested(999)))).toBe(nested(999))
  expect(() => toJson(JSON.parse(nested(1000)))).toThrow(expect.objectContaining({ code: 'INVALID' }))
  expect(() => toJson(JSON.parse(nested(100_000)))).toThrow(expect.objectContaining({ code: 'INVALID' }))
  const long = ['\\"'.repeat(10_000_000), '['.repeat(5000)]
  expect(toJson(long)).toBe(JSON.stringify(long))
})

test('halves of surrogate pairs are replaced, what is nothing is null', () => {
  expect([toJson({ a: '\ud800' }), toJson(undefined)]).toEqual(['{"a":"\\ud800"}', 'null'])
})
