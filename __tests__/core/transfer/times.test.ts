import { readTime, spanOf, zoneClock } from '../../../src/core/transfer/readers/times.ts'

test.each([
  ['seconds', 1749154926, '2025-06-05T20:22:06.000000+00:00'],
  ['seconds with microseconds', 1749154926.123456, '2025-06-05T20:22:06.123456+00:00'],
  ['seconds whose thousandfold is not whole', 1749154926.1, '2025-06-05T20:22:06.100000+00:00'],
  ['seconds that are all but the next', 1749154926.9999998, '2025-06-05T20:22:07.000000+00:00'],
  ['milliseconds', 1749154926123, '2025-06-05T20:22:06.123000+00:00'],
  ['microseconds', 1749154926123456, '2025-06-05T20:22:06.123456+00:00'],
  ['nanoseconds', 1749154926123456800, '2025-06-05T20:22:06.123457+00:00'],
  ['seconds as text', '1749154926.5', '2025-06-05T20:22:06.500000+00:00'],
  ['milliseconds as text', ' 1749154926123 ', '2025-06-05T20:22:06.123000+00:00'],
])('a moment is read from %s', (_case, value, expected) => {
  expect(readTime(value)).toBe(expected)
})

test.each([
  ['RFC 3339', '2025-06-05T20:22:06Z', '2025-06-05T20:22:06.000000+00:00'],
  ['RFC 3339 with three digits', '2025-06-05T20:22:06.123Z', '2025-06-05T20:22:06.123000+00:00'],
  ['RFC 3339 with six digits', '2025-06-05T20:22:06.123456Z', '2025-06-05T20:22:06.123456+00:00'],
  ['RFC 3339 with nine digits', '2025-06-05T20:22:06.123456789+00:00', '2025-06-05T20:22:06.123456+00:00'],
  ['RFC 3339 in small letters', '2025-06-05t20:22:06z', '2025-06-05T20:22:06.000000+00:00'],
  ['an offset to the east', '2025-06-06T01:52:06.123456789+05:30', '2025-06-05T20:22:06.123456+00:00'],
  ['an offset without a colon', '2025-06-05 13:22:06-0700', '2025-06-05T20:22:06.000000+00:00'],
  ['an offset of hours alone', '2025-06-05 22:22:06+02', '2025-06-05T20:22:06.000000+00:00'],
  ['CURRENT_TIMESTAMP', '2025-06-05 20:22:06', '2025-06-05T20:22:06.000000+00:00'],
  ['a time without seconds', '2025-06-05T20:22', '2025-06-05T20:22:00.000000+00:00'],
  ['a day', '2025-06-05', '2025-06-05T00:00:00.000000+00:00'],
  ['go-sqlite3', '2025-09-30 10:01:02.123456-07:00', '2025-09-30T17:01:02.123456+00:00'],
  ['Go with a zone', '2025-09-30 10:01:02.5 -0700 PDT', '2025-09-30T17:01:02.500000+00:00'],
  ['Go with a clock', '2025-09-30 10:01:02 +0545 +0545 m=+0.012', '2025-09-30T04:16:02.000000+00:00'],
  ['Go in UTC', '2025-09-30 10:01:02 +0000 UTC', '2025-09-30T10:01:02.000000+00:00'],
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
  ['0'],
  ['yesterday'],
  ['2025-06-05 25:00:00'],
  ['2025-02-30 00:00:00'],
  ['2025-02-30T00:00:00+01:00'],
  ['2025-06-05T20:22:06+99:00'],
  ['2025-06-05 20:22:06 PDT'],
  ['0000-01-01T00:00:00+01:00'],
  ['0000-01-01T00:00:00-01:00'],
  ['0000-01-01 00:00:00+05:00'],
  ['9999-12-31T23:59:59-01:00'],
  ['9999-12-31 23:30:00-07:00'],
  ['0001-01-01 00:00:00+00:00'],
  ['0001-01-01T00:00:00Z'],
  [null],
  [undefined],
  [true],
  [[]],
  [{}],
])('%p is no moment', (value) => {
  expect(readTime(value)).toBeNull()
})

test.each([
  ['in winter', '2025-01-15 12:00:00', '2025-01-15T11:00:00.000000+00:00'],
  ['in summer', '2025-07-15 12:00:00.25', '2025-07-15T10:00:00.250000+00:00'],
  ['just before the clocks went forward', '2025-03-30 01:59:59', '2025-03-30T00:59:59.000000+00:00'],
  ['in the hour that was skipped', '2025-03-30 02:30:00', '2025-03-30T01:30:00.000000+00:00'],
  ['just after', '2025-03-30 03:00:00', '2025-03-30T01:00:00.000000+00:00'],
  ['in the hour that came twice', '2025-10-26 02:30:00', '2025-10-26T00:30:00.000000+00:00'],
  ['after that hour', '2025-10-26 03:00:00', '2025-10-26T02:00:00.000000+00:00'],
])('a wall time of Berlin %s', (_case, stored, expected) => {
  expect(readTime(stored, zoneClock('Europe/Berlin'))).toBe(expected)
})

test.each([
  ['Asia/Kathmandu', '2025-01-15T06:15:00.000000+00:00'],
  ['America/St_Johns', '2025-01-15T15:30:00.000000+00:00'],
  ['Australia/Lord_Howe', '2025-01-15T01:00:00.000000+00:00'],
  ['UTC', '2025-01-15T12:00:00.000000+00:00'],
])('noon in %s', (zone, expected) => {
  expect(readTime('2025-01-15 12:00:00', zoneClock(zone))).toBe(expected)
})

test('a time with an offset needs no zone, and neither does a number', () => {
  const tokyo = zoneClock('Asia/Tokyo')
  expect(readTime('2025-01-15 12:00:00+01:00', tokyo)).toBe('2025-01-15T11:00:00.000000+00:00')
  expect(readTime('1749154926', tokyo)).toBe('2025-06-05T20:22:06.000000+00:00')
})

test('the first and the last of some times are found, of none there are none', () => {
  const times = [null, '2025-01-02', '2025-01-01', '2025-01-03']
  expect(spanOf(times)).toEqual({ created_at: '2025-01-01', updated_at: '2025-01-03' })
  expect(spanOf([null])).toEqual({ created_at: null, updated_at: null })
})
