import { applyKeepRules, type KeepRules } from '../../../src/core/backup/keep-rules.ts'

const backup = (created_at: string, verified = true) => ({
  created_at: `${created_at}:00.000000+00:00`,
  verified_at: verified ? `${created_at}:01.000000+00:00` : null,
})

const days = [
  '2026-01-01T09:00',
  '2026-01-01T21:00',
  '2026-01-04T10:00',
  '2026-01-05T10:00',
  '2026-02-02T10:00',
]

const kept = (rules: KeepRules, backups = days.map((day) => backup(day))) =>
  applyKeepRules(backups, rules)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ backup: { created_at }, reasons }) => `${created_at.slice(0, 16)} ${reasons.join(' + ')}`)

test.each<[string, KeepRules, string[]]>([
  ['the newest', { last: 2 }, ['2026-02-02T10:00 last 1', '2026-01-05T10:00 last 2']],
  [
    'the newest of each day',
    { daily: 4 },
    [
      '2026-02-02T10:00 daily 2026-02-02',
      '2026-01-05T10:00 daily 2026-01-05',
      '2026-01-04T10:00 daily 2026-01-04',
      '2026-01-01T21:00 daily 2026-01-01',
    ],
  ],
  [
    'the newest of each week, which begins on Monday',
    { weekly: 3 },
    [
      '2026-02-02T10:00 weekly 2026-W06',
      '2026-01-05T10:00 weekly 2026-W02',
      '2026-01-04T10:00 weekly 2026-W01',
    ],
  ],
  [
    'the newest of each month',
    { monthly: 5 },
    ['2026-02-02T10:00 monthly 2026-02', '2026-01-05T10:00 monthly 2026-01'],
  ],
  ['one for several reasons', { last: 1, monthly: 1 }, ['2026-02-02T10:00 last 1 + monthly 2026-02']],
])('a rule keeps %s', (_what, rules, expected) => {
  expect(kept(rules)).toEqual(expected)
})

test('the newest that was verified stays, whatever the rules say', () => {
  const backups = [backup('2026-01-01T09:00'), backup('2026-01-02T09:00'), backup('2026-01-03T09:00', false)]
  expect(kept({ last: 1 }, backups)).toEqual([
    '2026-01-03T09:00 last 1',
    '2026-01-02T09:00 the last verified one',
  ])
})

test('the order in which they are given does not matter', () => {
  const backups = days.map((day) => backup(day)).reverse()
  expect(kept({ last: 1 }, backups)).toEqual(kept({ last: 1 }))
})
