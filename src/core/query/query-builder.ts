import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type Generated,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Connection, Value } from '../engine/connection.ts'

/**
 * The tables of the latest schema version, as queries see them. Timestamps are text, booleans 0 or 1,
 * metadata JSON.
 */
export interface Tables {
  agents: {
    id: string
    name: string
    description: string | null
    model_name: string
    system_prompt: string | null
    temperature: number | null
    max_tokens: number | null
    created_at: Generated<string>
    updated_at: Generated<string>
    is_active: Generated<number>
    metadata: string | null
  }
  chat_sessions: {
    id: string
    title: string
    model_name: string | null
    agent_id: string | null
    created_at: Generated<string>
    updated_at: Generated<string>
    is_archived: Generated<number>
    metadata: string | null
  }
  chat_messages: {
    id: string
    session_id: string
    role: 'user' | 'assistant' | 'system'
    content: string
    model_name: string | null
    created_at: Generated<string>
    metadata: string | null
  }
  settings: {
    key: string
    value: string
    description: string | null
    created_at: Generated<string>
    updated_at: Generated<string>
  }
  agent_executions: {
    id: string
    agent_id: string
    session_id: string | null
    input: string
    output: string | null
    status: 'running' | 'completed' | 'failed' | 'cancelled'
    started_at: Generated<string>
    completed_at: string | null
    error_message: string | null
    metadata: string | null
  }
  schema_version: { version: number; applied_at: string | null }
}

/**
 * Typed queries over one connection, such as the one that `db.read` and `db.transaction` lend. Transactions
 * are theirs to make, so Kysely's own are refused.
 */
export function queryBuilder(connection: Connection): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new ConnectionDriver(connection),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}

class ConnectionDriver implements Driver {
  readonly #connection: DatabaseConnection

  constructor(connection: Connection) {
    this.#connection = {
      executeQuery: (query) => execute(connection, query),
      streamQuery: () => {
        throw new Error('this dialect does not stream; page through the rows by key instead')
      },
    }
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }

  async beginTransaction(): Promise<void> {
    throw new Error('use db.transaction() and build the queries on the connection that it lends')
  }

  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async init(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

async function execute<R>(connection: Connection, query: CompiledQuery): Promise<QueryResult<R>> {
  const parameters = query.parameters as Value[]
  const { kind } = query.query
  const changes = kind === 'InsertQueryNode' || kind === 'UpdateQueryNode' || kind === 'DeleteQueryNode'
  if (changes && !query.query.returning) {
    return { rows: [], numAffectedRows: BigInt(await connection.run(query.sql, parameters)) }
  }
  return { rows: await connection.all<R>(query.sql, parameters) }
}
