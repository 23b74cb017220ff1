/** The variables of a process, as `process.env` has them. */
export type Environment = Record<string, string | undefined>
