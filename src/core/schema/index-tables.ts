import type { Hint } from '../advice.ts'

/** How everything begins that belongs to the full-text index: tables, view and triggers. */
export const SEARCH_INDEX = 'message_search'

/** What repairs the index; everything in it can be made again from the messages. */
export const REBUILD = {
  step: 'rebuild_index',
  about: 'make the full-text index again from the messages',
} as const

/** The same, where damage is all that is wrong. */
export const NO_LOSS: Hint = ['no message is lost', REBUILD]

/** The tables of the index: the virtual one, those behind it, and the one that numbers the messages. */
export const INDEX_TABLES = ['', '_config', '_data', '_docsize', '_idx', '_rows'].map(
  (end) => `${SEARCH_INDEX}${end}`,
)
