import type { Connection } from '../../../engine/connection.ts'
import { AppError } from '../../../errors.ts'
import type { Imported } from '../../conversation.ts'
import { readAgents, readSettings } from './libreollama-agents.ts'
import { eraClock, libreOllamaEra } from './libreollama-era.ts'
import { readExecutions } from './libreollama-executions.ts'
import { readSessions } from './libreollama-sessions.ts'

export { type Era, libreOllamaEra } from './libreollama-era.ts'

/** Options for reading a LibreOllama database. */
export interface LibreOllamaOptions {
  /** The IANA name of the zone whose time the app wrote, for the eras that omitted the offset. */
  timeZone: string
}

/** Returns true when a database is one of LibreOllama's, of any era, even one that lost its chats. */
export async function isLibreOllama(connection: Connection): Promise<boolean> {
  return (await libreOllamaEra(connection)) !== undefined
}

/**
 * Reads LibreOllama's own database or a Phase 2.1 one: agents, chats, runs of agents, settings. Throws
 * INVALID for a database that lost its chats, or is not LibreOllama's.
 */
export async function* readLibreOllama(
  connection: Connection,
  { timeZone }: LibreOllamaOptions,
): AsyncGenerator<Imported> {
  const era = await libreOllamaEra(connection)
  if (era === undefined) {
    throw new AppError('INVALID', "this is not one of LibreOllama's databases", {
      hint: { step: 'diagnose', about: 'see what it is' },
    })
  }
  if (era === 'wreck') {
    throw new AppError(
      'INVALID',
      'the chats are no longer in this database: a newer LibreOllama dropped their tables when it tried to upgrade the file, and stopped half-way',
      {
        hint: 'look for an older copy or a backup of the file, made before that upgrade, and import it',
      },
    )
  }
  const clock = eraClock(era, timeZone)
  const agents = new Map<string, string>()
  for await (const { sourceId, agent } of readAgents(connection, era, clock, timeZone)) {
    agents.set(sourceId, agent.id)
    yield { kind: 'agent', agent }
  }
  const sessions = new Map<string, string>()
  yield* readSessions({ connection, era, clock, timeZone, agents, sessions })
  yield* readExecutions(connection, era, clock, { agents, sessions })
  for await (const setting of readSettings(connection)) yield { kind: 'setting', setting }
}
