import { Clock } from '../../../src/core/transfer/import/clock.ts'

const at = (micros: string) => `2025-06-05T20:22:06.${micros}+00:00`

test('the first message has its own time, or else that of the start', () => {
  expect(new Clock(at('000005')).next(at('000001'))).toBe(at('000001'))
  expect(new Clock(at('000005')).next(null)).toBe(at('000005'))
})

test('a message without a time, or with one that is not later, comes a microsecond after the one before', () => {
  const clock = new Clock(at('000000'))
  const times = [at('999998'), null, at('000001'), '2025-06-05T20:22:07.500000+00:00']
  expect(times.map((time) => clock.next(time))).toEqual([
    at('999998'),
    at('999999'),
    '2025-06-05T20:22:07.000000+00:00',
    '2025-06-05T20:22:07.500000+00:00',
  ])
})

test.each([
  ['a chat that begins there', '9999-12-31T23:59:59.999999+00:00', null],
  ['a message there', at('000000'), '9999-12-31T23:59:59.999999+00:00'],
])('no time leaves the year 9999 because of %s', (_case, start, own) => {
  const clock = new Clock(start)
  const times = [clock.next(own), clock.next(own), clock.next(null)]
  for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/)
  expect(times).toEqual([...new Set(times)].sort())
})
