import { counted } from '../../plural.ts'

/** The counters of an import: records by outcome. */
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

/** The number of records imported, by outcome. */
export type ImportCounts = Record<(typeof COUNTED)[number], number>

/** Returns counters of zero. */
export const noCounts = () => Object.fromEntries(COUNTED.map((name) => [name, 0])) as ImportCounts

/**
 * Describes in words what an import changed: `2 sessions added, 12 messages added`; empty when nothing
 * changed.
 */
export function describeCounts(counts: ImportCounts): string {
  return COUNTED.filter((name) => counts[name] > 0 && !name.endsWith('_unchanged'))
    .map((name) => {
      const [noun = '', outcome = ''] = name.split('_')
      return `${counted(counts[name], noun.replace(/s$/, ''))} ${outcome}`
    })
    .join(', ')
}
