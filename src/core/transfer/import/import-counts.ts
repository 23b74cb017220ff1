import { counted } from '../../plural.ts'

/** What is counted of an import: records by what became of them. */
export const COUNTED = [
  'sessions_added',
  'sessions_updated',
  'sessions_unchanged',
  'messages_added',
  'messages_updated',
  'messages_removed',
  'agents_added',
  'agents_updated',
  'agents_unchanged',
  'settings_added',
  'settings_updated',
  'settings_unchanged',
  'executions_added',
  'executions_updated',
  'executions_unchanged',
] as const

/** What an import brought, by record. */
export type ImportCounts = Record<(typeof COUNTED)[number], number>

/** Before anything came. */
export const noCounts = () => Object.fromEntries(COUNTED.map((name) => [name, 0])) as ImportCounts

/** What an import changed, in words: `2 sessions added, 12 messages added`; empty for nothing. */
export function describeCounts(counts: ImportCounts): string {
  return COUNTED.filter((name) => counts[name] > 0 && !name.endsWith('_unchanged'))
    .map((name) => {
      const [noun = '', outcome = ''] = name.split('_')
      return `${counted(counts[name], noun.replace(/s$/, ''))} ${outcome}`
    })
    .join(', ')
}
