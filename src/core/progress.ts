/** How far a long operation is. */
export interface Progress {
  phase: 'copying' | 'reading' | 'checking' | 'importing' | 'exporting' | 'indexing'
  /** From 0 to 1; undefined where it cannot be told. */
  part?: number
  /** What is done now, in a word, where a part cannot be told. */
  step?: string
  /** Bytes, or pieces, that are done; for a rate. */
  bytes?: number
}

export type OnProgress = (progress: Progress) => void
