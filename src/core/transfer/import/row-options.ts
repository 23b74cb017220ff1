/** Options for turning conversations into rows. */
export interface RowOptions {
  /** The name of the format, part of every id. */
  source: string
  /** Import the active path only, or every other path as a session of its own. */
  branches: 'active' | 'all'
  /** Other content to import as messages besides text; all of it is kept in metadata in any case. */
  include: ReadonlySet<Include>
}

/** Reasoning before the answer, tool traffic and hidden messages, as system messages. */
export type Include = 'reasoning' | 'tools' | 'hidden'
