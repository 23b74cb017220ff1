/** The environment variables of a process, by name. */
export type Environment = Record<string, string | undefined>
