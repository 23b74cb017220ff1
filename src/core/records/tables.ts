import type { Generated, Kysely } from 'kysely'
import type { Connection } from '../engine/connection.ts'
import { kyselyOn } from '../query/query-builder.ts'
import type { agent } from './entities/agent.ts'
import type { execution } from './entities/execution.ts'
import type { message } from './entities/message.ts'
import type { session } from './entities/session.ts'
import type { setting } from './entities/setting.ts'
import type { Declared, EntityOf, Filled } from './entity.ts'

type StoredOf<Column> =
  Column extends Declared<infer _, 'required' | 'optional', infer Stored>
    ? Stored extends Filled<infer Value>
      ? Generated<Value>
      : Stored
    : never

/** The rows of an entity's table as they are stored. */
type TableOf<Of> =
  Of extends EntityOf<infer Declaration>
    ? { -readonly [Name in keyof Declaration]: StoredOf<Declaration[Name]> }
    : never

/**
 * The tables of the latest schema version, as queries see them. Timestamps are text, booleans 0 or 1,
 * metadata JSON.
 */
export interface Tables {
  agents: TableOf<typeof agent>
  chat_sessions: TableOf<typeof session>
  chat_messages: TableOf<typeof message>
  settings: TableOf<typeof setting>
  agent_executions: TableOf<typeof execution>
  schema_version: { version: number; applied_at: string | null }
}

/**
 * Typed queries over one connection, such as the one that `db.read` and `db.transaction` lend. Transactions
 * are theirs to make, so Kysely's own are refused.
 */
export function queryBuilder(connection: Connection): Kysely<Tables> {
  return kyselyOn<Tables>(connection)
}
