import type { Connection } from '../engine/connection.ts'
import { quoteName } from '../engine/quote-name.ts'
import { AppError } from '../errors.ts'
import { rowNumberOf } from '../schema/row-counts.ts'

/** One object of a schema that has pages of its own: a table, or a declared index. */
interface Stored {
  type: 'table' | 'index'
  name: string
  sql: string
}

/**
 * Copies all of `main` into the empty database attached as `made`, in one transaction, without which an
 * interrupted copy could look complete. Every row keeps its rowid, even one that no column names: a full-text
 * index over another table refers to it. Throws CHECK_FAILED for a schema that cannot be copied, and the
 * errors of reading and writing.
 */
export async function copyTables(connection: Connection): Promise<void> {
  const before = await settingsOf(connection, ['auto_vacuum'])
  const after = await settingsOf(connection, ['user_version', 'application_id'])
  // Rows are copied unchanged, even those that violate a rule of their table: finding these is not the task
  // of the copy. SQLite's own tables, and tables that belong to a virtual one, can be created only while the
  // schema is writable.
  await connection.exec(`PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; ${before}
    PRAGMA writable_schema = ON; BEGIN`)
  const stored = await connection.all<Stored>(
    `SELECT type, name, sql FROM main.sqlite_schema
     WHERE rootpage > 0 AND sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY type = 'index', rowid`,
  )
  for (const object of stored) await connection.exec(declarationIn('made', object))
  for (const { type, name } of stored) if (type === 'table') await copyRows(connection, name)
  await copySequences(connection)
  // Last, because triggers must not fire for rows that are merely copied, nor may a virtual table create its
  // tables again.
  await connection.exec(`INSERT INTO made.sqlite_schema (type, name, tbl_name, rootpage, sql)
    SELECT type, name, tbl_name, 0, sql FROM main.sqlite_schema
    WHERE type IN ('view', 'trigger') OR (type = 'table' AND rootpage = 0) ORDER BY rowid;
    ${after} COMMIT; PRAGMA writable_schema = OFF; PRAGMA ignore_check_constraints = OFF; PRAGMA foreign_keys = ON`)
}

async function settingsOf(connection: Connection, names: string[]): Promise<string> {
  const statements: string[] = []
  for (const name of names) {
    const row = await connection.get<Record<string, number>>(`PRAGMA main.${name}`)
    statements.push(`PRAGMA made.${name} = ${row?.[name] ?? 0};`)
  }
  return statements.join(' ')
}

/**
 * Returns a declaration with the schema before its name; SQLite stores every declaration with the same first
 * words, whatever was typed.
 */
function declarationIn(schema: string, { name, sql }: Stored): string {
  const [beginning] = /^CREATE (?:TABLE|(?:UNIQUE )?INDEX) /.exec(sql) ?? []
  if (beginning !== undefined) return `${beginning}${schema}.${sql.slice(beginning.length)}`
  throw new AppError('CHECK_FAILED', `the declaration of ${name} is in a form that cannot be copied`, {
    hint: 'nothing was changed; the file can still be read with the program that made it',
  })
}

interface Column {
  name: string
  /** 1: not in `SELECT *`; 2 and 3: computed from the others. */
  hidden: 0 | 1 | 2 | 3
}

async function copyRows(connection: Connection, table: string): Promise<void> {
  const name = quoteName(table)
  const columns = await connection.all<Column>(
    "SELECT name, hidden FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1",
    [table],
  )
  const stored = columns.filter(({ hidden }) => hidden === 0).map((column) => quoteName(column.name))
  const { wr } = (await connection.get<{ wr: 0 | 1 }>(
    "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?",
    [table],
  )) ?? { wr: 0 }
  const number = wr ? undefined : rowNumberOf(columns.map((column) => column.name))
  if (number !== undefined) stored.unshift(number)
  const list = stored.join(', ')
  await connection.run(`INSERT INTO made.${name} (${list}) SELECT ${list} FROM main.${name}`)
}

/** Copies the numbers that AUTOINCREMENT continues from; they remain when their table is gone. */
async function copySequences(connection: Connection): Promise<void> {
  const has = (schema: string) =>
    connection.get(`SELECT 1 FROM ${schema}.sqlite_schema WHERE name = 'sqlite_sequence'`)
  if (!(await has('main'))) return
  if (!(await has('made'))) await connection.exec('CREATE TABLE made.sqlite_sequence(name,seq)')
  await connection.exec(`DELETE FROM made.sqlite_sequence;
    INSERT INTO made.sqlite_sequence (rowid, name, seq) SELECT rowid, name, seq FROM main.sqlite_sequence`)
}
