import type { Connection } from '../engine/connection.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { ProofOptions } from './probe.ts'

/** How the reason of a failure is looked for, when the database that failed is closed again. */
export interface Inquiry {
  path: string
  /** What the file is, as for `ProofOptions.form`. */
  form?: ProofOptions['form']
  /** Reads every page and tells which are damaged. */
  diagnose(): Promise<Diagnosis>
  /** Runs `work` on a new connection that only reads: one that met a damaged page answers nothing more. */
  read<T>(work: (reader: Connection) => Promise<T>): Promise<T>
}

/** Gives the error to throw for a failure: one that names the cause where it was found, else the same. */
export type Explain = (error: unknown, inquiry: Inquiry) => Promise<unknown>
