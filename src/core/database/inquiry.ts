import type { Connection } from '../engine/connection.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { ProofOptions } from './probe.ts'

/** The means to find the reason of a failure, after the database that failed is closed. */
export interface Inquiry {
  path: string
  /** The form of the file, as in `ProofOptions.form`. */
  form?: ProofOptions['form']
  /** Reads every page and reports the damaged ones. */
  diagnose(): Promise<Diagnosis>
  /** Runs `work` on a new read-only connection: one that has met a damaged page returns nothing more. */
  read<T>(work: (reader: Connection) => Promise<T>): Promise<T>
}

/**
 * Returns the error to throw for a failure: one that names the cause when it was found, otherwise the
 * original.
 */
export type Explain = (error: unknown, inquiry: Inquiry) => Promise<unknown>
