import {
  asArray,
  asBoolean,
  asCount,
  asName,
  asNonBlank,
  asNonEmpty,
  asNumber,
  asRecord,
  asRecords,
  asText,
  compareTexts,
  leftover,
  present,
} from '../../../src/core/transfer/readers/values.ts'

const bytes = new TextEncoder().encode('grün')

test.each([
  ['a text', ' moss ', ' moss ', ' moss ', ' moss ', 'moss'],
  ['blanks', ' \n', ' \n', ' \n', null, null],
  ['an empty text', '', '', null, null, null],
  ['a number', 7.5, '7.5', '7.5', '7.5', '7.5'],
  ['bytes', bytes, 'grün', 'grün', 'grün', 'grün'],
  ['a number without end', Number.POSITIVE_INFINITY, null, null, null, null],
  ['a truth', true, null, null, null, null],
  ['nothing', null, null, null, null, null],
  ['an object', {}, null, null, null, null],
])('%s as a text, one that is not empty, one that is not blank, and a name', (_case, value, ...expected) => {
  expect([asText(value), asNonEmpty(value), asNonBlank(value), asName(value)]).toEqual(expected)
})

test.each([
  [7, 7],
  [' -7.50 ', -7.5],
  ['1e-3', 0.001],
  ['.5', 0.5],
  ['1e999', null],
  ['0x10', null],
  ['Infinity', null],
  ['', null],
  ['7 apples', null],
  [Number.NaN, null],
  [true, null],
  [null, null],
  [[7], null],
])('%p is the number %p', (value, expected) => {
  expect(asNumber(value)).toBe(expected)
})

test('a long row of digits that is no number is refused at once', () => {
  expect(asNumber(`${'1'.repeat(100_000)}x`)).toBeNull()
})

test.each([
  [18, 18],
  ['18', 18],
  [-1, null],
  [1.5, null],
  [2 ** 53, null],
])('%p is the count %p', (value, expected) => {
  expect(asCount(value)).toBe(expected)
})

test.each([
  [true, true],
  [1, true],
  ['1', true],
  // A moment at which something was pinned.
  [1749154926.5, true],
  ['TRUE', true],
  ['yes', true],
  [false, false],
  [0, false],
  ['0.0', false],
  ['false', false],
  ['', false],
])('%p says %p, whatever is usual', (value, expected) => {
  expect([asBoolean(value), asBoolean(value, true)]).toEqual([expected, expected])
})

test.each([[null], [undefined], ['perhaps'], [[]], [{}]])('%p says neither yes nor no', (value) => {
  expect([asBoolean(value), asBoolean(value, true)]).toEqual([false, true])
})

test('objects and arrays are told apart', () => {
  expect([asRecord({ a: 1 }), asRecord([1]), asRecord(null), asRecord('{}')]).toEqual([
    { a: 1 },
    null,
    null,
    null,
  ])
  expect([asArray([1]), asArray({ 0: 1 })]).toEqual([[1], []])
  expect(asRecords([{ a: 1 }, 'b', null, [2]])).toEqual([{ a: 1 }])
})

test('what says something is kept: no and zero do, what is empty does not', () => {
  const entries = { no: false, zero: 0, null: null, undefined, text: '', list: [], object: {} }
  expect(present(entries)).toEqual({ no: false, zero: 0 })
  expect(leftover(entries, ['no'])).toEqual({ zero: 0 })
})

test('texts are ordered by their characters', () => {
  expect(['b', 'a', 'B', 'a'].sort(compareTexts)).toEqual(['B', 'a', 'a', 'b'])
})
