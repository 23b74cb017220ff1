import type { Hint } from '../advice.ts'

/** The prefix of every name in the full-text index: tables, view and triggers. */
export const SEARCH_INDEX = 'message_search'

/** The hint that repairs the index; all of its content can be rebuilt from the messages. */
export const REBUILD = {
  step: 'rebuild_index',
  about: 'make the full-text index again from the messages',
} as const

/** The same hint, for when the index is all that is damaged. */
export const NO_LOSS: Hint = ['no message is lost', REBUILD]

/** The tables of the index: the virtual one, those behind it, and the one that numbers the messages. */
export const INDEX_TABLES = ['', '_config', '_data', '_docsize', '_idx', '_rows'].map(
  (end) => `${SEARCH_INDEX}${end}`,
)

/** The hint that compares the schema and shows how to repair it. */
export const COMPARE_SCHEMA = { step: 'compare_schema' } as const
