/** The progress of a long operation. */
export interface Progress {
  phase: 'copying' | 'reading' | 'checking' | 'importing' | 'exporting' | 'indexing'
  /** From 0 to 1; undefined when it is unknown. */
  part?: number
  /** The current step, in a word, when a part is unknown. */
  step?: string
  /** Bytes, or pieces, done so far; for a rate. */
  bytes?: number
}

export type OnProgress = (progress: Progress) => void
