import { latest, readTime } from '../../../src/core/transfer/times.ts'

test.each([
  ['seconds', 1749154926, '2025-06-05T20:22:06.000000+00:00'],
  ['seconds with microseconds', 1749154926.123456, '2025-06-05T20:22:06.123456+00:00'],
  ['seconds whose thousandfold is not whole', 1749154926.1, '2025-06-05T20:22:06.100000+00:00'],
  ['milliseconds', 1749154926123, '2025-06-05T20:22:06.123000+00:00'],
  ['microseconds', 1749154926123456, '2025-06-05T20:22:06.123456+00:00'],
  ['nanoseconds', 1749154926123456800, '2025-06-05T20:22:06.123457+00:00'],
  ['seconds as text', '1749154926.5', '2025-06-05T20:22:06.500000+00:00'],
  ['ISO 8601 in UTC', '2025-06-05T20:22:06.123456Z', '2025-06-05T20:22:06.123456+00:00'],
  ['ISO 8601 without a fraction', '2025-06-05T20:22:06Z', '2025-06-05T20:22:06.000000+00:00'],
  ['ISO 8601 with an offset', '2025-06-06T01:52:06.123456789+05:30', '2025-06-05T20:22:06.123456+00:00'],
  ['an offset without a colon', '2025-06-05 13:22:06-0700', '2025-06-05T20:22:06.000000+00:00'],
  ['no zone, which is UTC', '2025-06-05 20:22:06', '2025-06-05T20:22:06.000000+00:00'],
])('a moment is read from %s', (_case, value, expected) => {
  expect(readTime(value)).toBe(expected)
})

test.each([
  [0],
  [-1],
  [Number.NaN],
  [Number.POSITIVE_INFINITY],
  [1e300],
  [''],
  ['yesterday'],
  ['2025-02-30T00:00:00Z'],
  ['2025-02-30T00:00:00+01:00'],
  ['2025-06-05T20:22:06+99:00'],
  ['0000-01-01T00:00:00+01:00'],
  ['9999-12-31T23:59:59-01:00'],
  [null],
  [undefined],
  [true],
  [[]],
  [{}],
])('%p is no moment', (value) => {
  expect(readTime(value)).toBeNull()
})

test('the latest of some moments is found, of none there is none', () => {
  expect(latest(null, '2025-01-02', '2025-01-01')).toBe('2025-01-02')
  expect(latest(null, null)).toBeNull()
})
