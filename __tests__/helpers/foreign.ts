import { withDatabase } from '../../src/core/database/database.ts'
import { withMemoryDatabase } from '../../src/core/engine/connect.ts'
import type { Connection } from '../../src/core/engine/connection.ts'
import type { Conversation, Imported } from '../../src/core/transfer/conversation.ts'
import { fixture } from './folder.ts'

/** What a reader gives, by kind. */
export interface Collected {
  conversations: Conversation[]
  agents: Extract<Imported, { kind: 'agent' }>['agent'][]
  executions: Extract<Imported, { kind: 'execution' }>['execution'][]
  settings: Extract<Imported, { kind: 'setting' }>['setting'][]
  refused: Extract<Imported, { kind: 'refused' }>['refused'][]
  /** The kinds in the order they came. */
  order: string[]
}

/** Reads to the end. */
export async function collect(reading: AsyncIterable<Imported>): Promise<Collected> {
  const all: Collected = {
    conversations: [],
    agents: [],
    executions: [],
    settings: [],
    refused: [],
    order: [],
  }
  for await (const imported of reading) {
    all.order.push(imported.kind)
    if (imported.kind === 'conversation') all.conversations.push(imported.conversation)
    if (imported.kind === 'agent') all.agents.push(imported.agent)
    if (imported.kind === 'execution') all.executions.push(imported.execution)
    if (imported.kind === 'setting') all.settings.push(imported.setting)
    if (imported.kind === 'refused') all.refused.push(imported.refused)
  }
  return all
}

/** Runs `work` on a database in memory that a script made. */
export function withForeign<T>(script: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  return withMemoryDatabase(async (connection) => {
    // As the other programs left them: not every reference leads somewhere.
    await connection.exec(`PRAGMA foreign_keys = OFF; ${script}`)
    return work(connection)
  })
}

/** Reads all of a database in memory that a script made. */
export function readForeign(
  script: string,
  reader: (connection: Connection) => AsyncIterable<Imported>,
): Promise<Collected> {
  return withForeign(script, (connection) => collect(reader(connection)))
}

/** Runs `work` on an unencrypted sample database that is only read. */
export function withFixture<T>(name: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  return withDatabase(
    { path: fixture(name), keys: async () => [], access: 'read', form: 'plaintext' },
    (db) => db.read(work),
  )
}

/** Every message's role and text, in order. */
export function said({ nodes }: Conversation): string[] {
  return nodes.map(
    ({ role, parts }) =>
      `${role}: ${parts.map((part) => (part.kind === 'text' ? part.text : part.kind)).join(' ')}`,
  )
}
