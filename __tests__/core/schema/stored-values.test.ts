import { withMemoryDatabase } from '../../../src/core/engine/connect.ts'
import { isTrue, momentSql, readStoredTime, truthSql } from '../../../src/core/schema/stored-values.ts'

const MOMENT = '2023-11-14T22:13:20.000000+00:00'
const TIMES: [situation: string, stored: number | string | null, time: string | null][] = [
  ['seconds', 1_700_000_000, MOMENT],
  ['seconds with a fraction', 1_700_000_000.25, '2023-11-14T22:13:20.250000+00:00'],
  ['milliseconds', 1_700_000_000_123, '2023-11-14T22:13:20.123000+00:00'],
  ['microseconds', 1_700_000_000_123_456, '2023-11-14T22:13:20.123456+00:00'],
  ['nanoseconds', 1_700_000_000_000_000_000, MOMENT],
  ['seconds before 1970', -1.5, '1969-12-31T23:59:58.500000+00:00'],
  ['a Julian day', 2_460_263, '2023-11-14T12:00:00.000000+00:00'],
  ['a Julian day with a fraction', 2_460_263.425925926, MOMENT],
  ['the last Julian day', 5_373_484.25, '9999-12-31T18:00:00.000000+00:00'],
  ['the first second that is no Julian day', 5_373_485, '1970-03-04T04:38:05.000000+00:00'],
  ['a fraction that rounds up', 1_699_999_999.9999998, MOMENT],
  ['RFC 3339', '2023-11-14T22:13:20Z', MOMENT],
  ['CURRENT_TIMESTAMP', '2023-11-14 22:13:20', MOMENT],
  ['zero', 0, null],
  ['a small number', 42, null],
  ['a year', 2023, null],
  ['seconds before the year 0', -1e12, null],
  ['a number beyond all units', 1e20, null],
  ['infinity', Number.POSITIVE_INFINITY, null],
  ['words', 'yesterday', null],
]

test.each(TIMES)('a stored time is read: %s', (_situation, stored, time) => {
  expect(readStoredTime(stored)).toBe(time)
})

test.each(TIMES)('SQLite finds the same moment: %s', async (_situation, stored, time) => {
  const value = stored === Number.POSITIVE_INFINITY ? '9e999' : JSON.stringify(stored).replaceAll('"', "'")
  const row = await withMemoryDatabase((connection) =>
    connection.get(`SELECT ${momentSql('time')} AS moment FROM (SELECT ${value} AS time)`),
  )
  expect(row).toEqual({ moment: time && `${time.slice(0, 23)}Z` })
})

test.each([
  [0, false],
  [1, true],
  [-2.5, true],
  ['yes', true],
  ['false', false],
  ['NO', false],
  ['', false],
  ['perhaps', true],
])('%j says %j, to SQLite too', async (stored, truth) => {
  expect(isTrue(stored)).toBe(truth)
  const value = JSON.stringify(stored).replaceAll('"', "'")
  const row = await withMemoryDatabase((connection) =>
    connection.get(`SELECT ${truthSql('value')} AS truth FROM (SELECT ${value} AS value)`),
  )
  expect(row).toEqual({ truth: Number(truth) })
})
