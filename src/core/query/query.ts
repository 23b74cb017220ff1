import type { Hint } from '../advice.ts'
import type { Database } from '../database/database.ts'
import type { Connection, Row, Value } from '../engine/connection.ts'
import { isEngineError } from '../engine/engine-errors.ts'
import { readPragma, readSql, withoutExplain } from '../engine/sql-text.ts'
import { AppError } from '../errors.ts'
import { bytesAsText } from '../files/bytes-as-text.ts'

/**
 * Only what is known to be harmless is run: some pragmas act while they are prepared, EXPLAIN in front or
 * not.
 */
const READING = ['SELECT', 'VALUES']
const WRITING = ['INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'CREATE', 'DROP', 'ALTER', 'REINDEX', 'ANALYZE']

/** The pragmas that only tell something, and those of them that say of what by an argument. */
const TELLING = new Set(
  `application_id cipher_integrity_check cipher_version collation_list compile_options encoding freelist_count
   function_list journal_mode page_count page_size schema_version table_list user_version`.split(/\s+/),
)
const TELLING_OF = new Set(
  `foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check quick_check table_info
   table_xinfo`.split(/\s+/),
)

/** What comes with a statement. */
export interface QueryOptions {
  /** Values by name, without a sign; what is written like a number is one. */
  parameters: Record<string, string>
  /** Allow the statement to change data. */
  write: boolean
}

/** A statement that was looked at and may be run. */
export interface Query {
  statement: string
  parameters: Record<string, Value>
  write: boolean
  /** Whether it gives rows; else it tells how many it changed. */
  givesRows: boolean
}

/**
 * Looks at SQL before any database is opened. Throws USAGE, INVALID for what is not one statement that may be
 * run.
 */
export function checkQuery(sql: string, { parameters: given, write }: QueryOptions): Query {
  const { statements, parameters } = readSql(sql)
  const [{ text: statement, words } = refuse('USAGE', 'there is no SQL to run', EXAMPLE)] = statements
  if (statements.length > 1) {
    refuse(
      'USAGE',
      `there are ${statements.length} statements; one at a time is run`,
      'call query for each of them',
    )
  }
  const kind = checkKind(statement, words, write)
  return {
    // Two columns of one name would be one in a row; of a subquery SQLite makes their names differ.
    statement: kind === 'reading' ? `SELECT * FROM (\n${statement}\n)` : statement,
    parameters: bind(parameters, given),
    write,
    givesRows: kind !== 'changing' || words.includes('RETURNING'),
  }
}

/**
 * Runs a checked statement; rows, or for a change `[{ changes }]`. Throws INVALID for what the engine
 * refuses.
 */
export async function runQuery(
  db: Database,
  { statement, parameters, write, givesRows }: Query,
): Promise<Row[]> {
  const work = async (connection: Connection): Promise<Row[]> =>
    givesRows
      ? (await connection.all(statement, parameters)).map(exactRow)
      : [{ changes: await connection.run(statement, parameters) }]
  const run = write
    ? db.transaction(work)
    : db.read(async (reader) => {
        await reader.exec('PRAGMA query_only = ON')
        return work(reader)
      })
  return run.catch((error) => explainSql(error, write))
}

/** What a statement does. Throws INVALID for one that is not known to be harmless. */
function checkKind(statement: string, words: string[], write: boolean): 'reading' | 'telling' | 'changing' {
  const [verb = ''] = words
  if (verb === '' || !new RegExp(`^${verb}\\b`, 'i').test(statement)) {
    refuse('INVALID', 'this does not begin like SQL', EXAMPLE)
  }
  if (verb === 'PRAGMA') return checkPragma(statement)
  const explained = withoutExplain(words)
  // What stands in front of the statement proper, WITH and its names, decides nothing.
  const proper =
    explained[0] === 'WITH' ? explained.find((word) => [...READING, ...WRITING].includes(word)) : explained[0]
  if (READING.includes(proper ?? '')) return verb === 'EXPLAIN' ? 'telling' : 'reading'
  if (!WRITING.includes(proper ?? '')) {
    refuse('INVALID', `${verb} is refused: query reads and changes data, and nothing else`, {
      step: 'explain_query',
    })
  }
  if (verb === 'EXPLAIN') return 'telling'
  if (!write) refuse('INVALID', 'the statement would change the database', { step: 'allow_write' })
  return 'changing'
}

function checkPragma(statement: string): 'telling' {
  const pragma = readPragma(statement)
  const tells = pragma && (TELLING_OF.has(pragma.name) || (TELLING.has(pragma.name) && !pragma.hasArgument))
  if (tells) return 'telling'
  return refuse(
    'INVALID',
    'this PRAGMA is refused: only those that tell something are run',
    `they are: ${[...TELLING, ...TELLING_OF].join(', ')}`,
  )
}

function bind(wanted: Set<string>, given: Record<string, string>): Record<string, Value> {
  if ([...wanted].some((parameter) => parameter.startsWith('?'))) {
    refuse(
      'USAGE',
      'parameters are given by name, and ? has none',
      'write :name in the statement and -p name=value',
    )
  }
  const names = new Set([...wanted].map((parameter) => parameter.slice(1)))
  const unused = Object.keys(given).find((name) => !names.has(name))
  if (unused !== undefined)
    refuse(
      'USAGE',
      `there is no parameter :${unused} in the statement`,
      'write :name where the value belongs',
    )
  return Object.fromEntries(
    [...wanted].map((parameter) => {
      const name = parameter.slice(1)
      const text = Object.hasOwn(given, name) ? given[name] : undefined
      if (text === undefined)
        return refuse('USAGE', `the parameter :${name} has no value`, `add -p ${name}=<value>`)
      const number = Number(text)
      return [parameter, String(number) === text && Number.isFinite(number) ? number : text]
    }),
  )
}

/**
 * What JSON and a double can hold: blobs as SQL writes them, no number that may have been rounded on its way
 * here.
 */
function exactRow(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value instanceof Uint8Array) return [name, bytesAsText(value)]
      if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value)) {
        return [name, typeof value === 'number' && !Number.isFinite(value) ? String(value) : value]
      }
      return refuse(
        'INVALID',
        `${name} is above 2^53, where whole numbers are no longer exact here`,
        `select CAST(${name} AS TEXT) instead`,
      )
    }),
  )
}

function explainSql(error: unknown, write: boolean): never {
  const cause = error instanceof AppError ? error.cause : error
  if (!isEngineError(cause)) throw error
  if (cause.code === 'SQLITE_READONLY' && !write)
    refuse('INVALID', 'the statement would change the database', { step: 'allow_write' })
  if (cause.code !== 'SQLITE_ERROR' && cause.code !== 'SQLITE_AUTH') throw error
  throw new AppError('INVALID', cause.message.replace(/^SQLITE_\w+: /, ''), {
    hint: { step: 'query_example', sql: 'SELECT name, sql FROM sqlite_schema', about: 'see the tables' },
    cause,
  })
}

const EXAMPLE: Hint = { step: 'query_example', sql: 'SELECT count(*) FROM agents', about: 'for example' }

function refuse(code: 'USAGE' | 'INVALID', message: string, hint: Hint): never {
  throw new AppError(code, message, { hint })
}
