/** How conversations become rows. */
export interface RowOptions {
  /** The name of the format, part of every id. */
  source: string
  /** The active path only, or every other path as a session of its own. */
  branches: 'active' | 'all'
  /** What else than text becomes part of what was said; all of it is kept in metadata in any case. */
  include: ReadonlySet<Include>
}

/** Reasoning before the answer, tool traffic and hidden messages as messages of the system. */
export type Include = 'reasoning' | 'tools' | 'hidden'
