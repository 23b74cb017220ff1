import { momentOf } from '../timestamp.ts'

/**
 * The number of backups to keep: the newest, and the newest of each of the last days, weeks and months that
 * have any.
 */
export interface KeepRules {
  last?: number
  daily?: number
  weekly?: number
  monthly?: number
}

/** A backup with the reasons to keep it; without a reason it is removed. */
export interface Kept<T> {
  backup: T
  reasons: string[]
}

interface Dated {
  /** RFC 3339. */
  created_at: string
  verified_at: string | null
}

/** Decides which backups stay, in UTC. The newest verified one always stays, whatever the rules say. */
export function applyKeepRules<T extends Dated>(backups: readonly T[], rules: KeepRules): Kept<T>[] {
  const time = ({ created_at }: Dated) => momentOf(created_at).getTime()
  const newestFirst = [...backups].sort((a, b) => time(b) - time(a))
  const decided = newestFirst.map((backup): Kept<T> => ({ backup, reasons: [] }))
  for (const [rule, period] of Object.entries(PERIODS)) {
    const wanted = rules[rule as keyof KeepRules] ?? 0
    const seen = new Set<string>()
    for (const [index, { backup, reasons }] of decided.entries()) {
      const name = period(momentOf(backup.created_at), index)
      if (seen.has(name) || seen.size >= wanted) continue
      seen.add(name)
      reasons.push(rule === 'last' ? `last ${seen.size}` : `${rule} ${name}`)
    }
  }
  const verified = decided.find(({ backup }) => backup.verified_at !== null)
  if (verified && !decided.some(({ backup, reasons }) => backup.verified_at !== null && reasons.length > 0)) {
    verified.reasons.push('the last verified one')
  }
  return decided
}

/** Returns the name of the period that contains a moment. */
const PERIODS: Record<keyof KeepRules, (moment: Date, index: number) => string> = {
  last: (_moment, index) => String(index),
  daily: (moment) => moment.toISOString().slice(0, 10),
  weekly: (moment) => isoWeek(moment),
  monthly: (moment) => moment.toISOString().slice(0, 7),
}

/** Formats an ISO 8601 week, which belongs to the year of its Thursday: `2026-W48`. */
function isoWeek(moment: Date): string {
  const thursday = new Date(moment)
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7))
  const newYear = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  const week = Math.ceil(((thursday.getTime() - newYear) / 86_400_000 + 1) / 7)
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
}
