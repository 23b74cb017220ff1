import type { Connection, Row } from './connection.ts'
import { type Database, inTransaction } from './database.ts'
import { isEngineError } from './engine-errors.ts'
import { AppError } from './errors.ts'
import { readSql } from './sql-text.ts'

/** The pragmas that only tell something, and those of them that say of what by an argument. */
const TELLING = new Set(
  `application_id cipher_integrity_check cipher_version collation_list compile_options encoding freelist_count
   function_list journal_mode page_count page_size schema_version table_list user_version`.split(/\s+/),
)
const TELLING_OF = new Set(
  `foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check quick_check table_info
   table_xinfo`.split(/\s+/),
)

/** What the engine itself would allow and what would lose or leak data: no switch lifts this. */
const NEVER = new Set(['key', 'rekey', 'hexkey', 'hexrekey', 'textkey', 'textrekey', 'writable_schema'])

export interface QueryOptions {
  parameters: Record<string, string>
  /** Allow the statement to change data. */
  write: boolean
}

/** A statement that was looked at and may be run. */
export interface Query extends QueryOptions {
  statement: string
}

/** Looks at SQL before any database is opened. Throws USAGE, INVALID for what is not one statement that may be run. */
export function checkQuery(sql: string, options: QueryOptions): Query {
  return { ...options, statement: checkStatement(sql, options.parameters, options.write) }
}

/** Runs a checked statement; rows, or for a change `[{ changes }]`. Throws INVALID for what the engine refuses. */
export async function runQuery(db: Database, { statement, parameters, write }: Query): Promise<Row[]> {
  const work = async (connection: Connection): Promise<Row[]> => {
    const before = await connection.get<{ n: number }>('SELECT total_changes() AS n')
    const rows = await connection.allNamed(statement, parameters)
    const after = await connection.get<{ n: number }>('SELECT total_changes() AS n')
    const changes = (after?.n ?? 0) - (before?.n ?? 0)
    return write && rows.length === 0 ? [{ changes }] : rows
  }
  const run = write
    ? db.exclusively((writer) => inTransaction(writer, () => work(writer)))
    : db.read((reader) => readOnly(reader, work))
  return run.catch(explainSql)
}

/** A reader can still write other files, with VACUUM INTO; as a query it cannot. */
async function readOnly(reader: Connection, work: (reader: Connection) => Promise<Row[]>): Promise<Row[]> {
  await reader.exec('PRAGMA query_only = ON')
  return work(reader)
}

function checkStatement(sql: string, given: Record<string, string>, write: boolean): string {
  const { statements, verb, pragma, parameters } = readSql(sql)
  const refuse = (code: 'USAGE' | 'INVALID', message: string, hint: string): never => {
    throw new AppError(code, message, { hint })
  }
  const [
    statement = refuse(
      'USAGE',
      'there is no SQL to run',
      "libreollama-db query 'SELECT count(*) FROM chat_messages'",
    ),
  ] = statements
  if (statements.length > 1)
    refuse(
      'USAGE',
      `there are ${statements.length} statements; one at a time is run`,
      'call query for each of them',
    )
  if (['ATTACH', 'DETACH', 'VACUUM'].includes(verb)) {
    refuse(
      'INVALID',
      `${verb} is refused: it reaches other files than the database`,
      'name another database with --db',
    )
  }
  if (['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE'].includes(verb)) {
    refuse('INVALID', `${verb} is refused: each query is a transaction of its own`, 'leave it out')
  }
  if (pragma && NEVER.has(pragma.name))
    refuse('INVALID', `PRAGMA ${pragma.name} is refused`, 'a key is never changed by a query')
  const tells = pragma && (TELLING_OF.has(pragma.name) || (TELLING.has(pragma.name) && !pragma.hasArgument))
  if (pragma && !write && !tells) {
    refuse(
      'INVALID',
      `PRAGMA ${pragma.name} is not one that only tells something`,
      'add --write if it shall change the database',
    )
  }
  const missing = [...parameters].find((name) => !(name in given))
  if (missing !== undefined)
    refuse('USAGE', `the parameter :${missing} has no value`, `add -p ${missing}=<value>`)
  const unused = Object.keys(given).find((name) => !parameters.has(name))
  if (unused !== undefined)
    refuse(
      'USAGE',
      `there is no parameter :${unused} in the statement`,
      'write :name where the value belongs',
    )
  return statement
}

function explainSql(error: unknown): never {
  const cause = error instanceof AppError ? error.cause : error
  if (!isEngineError(cause)) throw error
  if (cause.code === 'SQLITE_READONLY') {
    throw new AppError('INVALID', 'the statement would change the database', {
      hint: 'add --write if it shall',
      cause,
    })
  }
  if (cause.code !== 'SQLITE_ERROR' && cause.code !== 'SQLITE_AUTH') throw error
  throw new AppError('INVALID', cause.message.replace(/^SQLITE_\w+: /, ''), {
    hint: 'libreollama-db query "SELECT name, sql FROM sqlite_schema" shows the tables',
    cause,
  })
}
