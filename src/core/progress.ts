/** How far a long operation is. */
export interface Progress {
  phase: 'copying' | 'reading' | 'checking'
  /** From 0 to 1; undefined where it cannot be told. */
  part?: number
}

export type OnProgress = (progress: Progress) => void
