import type { Connection } from '../engine/connection.ts'
import { LEDGER_TABLE } from './ledger.ts'
import { namedTables } from './table-names.ts'

/** The schema of a database, by name. */
export interface Schema {
  tables: Map<string, Table>
  indexes: Map<string, SchemaObject>
  triggers: Map<string, SchemaObject>
  views: Map<string, SchemaObject>
}

/** A table with its constraints. */
export interface Table {
  sql: string
  columns: Map<string, Column>
  foreignKeys: ForeignKey[]
  /** CHECK constraints, with white space and case normalized. */
  checks: string[]
  /** The conflict clauses that ignore or replace instead of rejecting (`on conflict ignore`). */
  conflicts: string[]
}

/** A declared column. */
export interface Column {
  type: string
  notNull: boolean
  default: string | null
  /** Its position in the primary key from 1; 0 when it is not part of it. */
  primaryKey: number
}

/** A foreign key, with its columns in order. */
export interface ForeignKey {
  columns: string[]
  table: string
  to: string[]
  onDelete: string
  onUpdate: string
}

/**
 * An index, trigger or view: the table it belongs to, its definition normalized for comparison, and its SQL.
 */
export interface SchemaObject {
  table: string
  definition: string
  sql: string
}

interface SchemaRow {
  type: 'table' | 'index' | 'trigger' | 'view'
  name: string
  tbl_name: string
  sql: string | null
}

/**
 * Reads the schema of a database; excludes SQLite's own tables, those behind its full-text index, and this
 * program's bookkeeping.
 */
export async function readSchema(connection: Connection): Promise<Schema> {
  const shadows = (await namedTables(connection)).filter(({ kind }) => kind === 'shadow')
  const rows = await connection.all<SchemaRow>(
    `SELECT type, name, tbl_name, sql FROM sqlite_schema
     WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tbl_name <> ?1
       AND tbl_name NOT IN (SELECT value FROM json_each(?2))`,
    [LEDGER_TABLE, JSON.stringify(shadows.map(({ name }) => name))],
  )
  const schema: Schema = { tables: new Map(), indexes: new Map(), triggers: new Map(), views: new Map() }
  for (const { type, name, tbl_name: table, sql } of rows) {
    if (sql === null) continue
    if (type === 'table') schema.tables.set(name, await readTable(connection, name, sql))
    else if (type === 'index') {
      schema.indexes.set(name, {
        table,
        sql,
        definition: await indexDefinition(connection, name, table, sql),
      })
    } else schema[`${type}s`].set(name, { table, sql, definition: evenOut(sql) })
  }
  return schema
}

async function readTable(connection: Connection, name: string, sql: string): Promise<Table> {
  const columns = await connection.all<{
    name: string
    type: string
    notnull: number
    dflt_value: string | null
    pk: number
  }>('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?)', [name])
  return {
    sql,
    columns: new Map(
      columns.map((column) => [
        column.name,
        {
          type: column.type.toUpperCase(),
          notNull: column.notnull === 1,
          default: column.dflt_value === null ? null : evenOut(column.dflt_value),
          primaryKey: column.pk,
        },
      ]),
    ),
    foreignKeys: await readForeignKeys(connection, name),
    checks: checkConstraints(sql),
    conflicts: conflictClauses(sql),
  }
}

/** Returns the conflict clauses in a table's SQL, outside of quotes and comments. */
function conflictClauses(sql: string): string[] {
  const plain = evenOut(sql).replace(/'(?:[^']|'')*'|"[^"]*"/g, '')
  return [...plain.matchAll(/\bon conflict (\w+)/g)].flatMap(([clause, action]) =>
    action === 'abort' ? [] : clause,
  )
}

async function readForeignKeys(connection: Connection, table: string): Promise<ForeignKey[]> {
  const rows = await connection.all<{
    id: number
    table: string
    from: string
    to: string | null
    on_delete: string
    on_update: string
  }>(
    'SELECT id, "table", "from", "to", on_delete, on_update FROM pragma_foreign_key_list(?) ORDER BY id, seq',
    [table],
  )
  const byId = new Map<number, ForeignKey>()
  for (const row of rows) {
    const key = byId.get(row.id) ?? {
      columns: [],
      table: row.table,
      to: [],
      onDelete: row.on_delete,
      onUpdate: row.on_update,
    }
    key.columns.push(row.from)
    key.to.push(row.to ?? 'rowid')
    byId.set(row.id, key)
  }
  return [...byId.values()]
}

async function indexDefinition(
  connection: Connection,
  name: string,
  table: string,
  sql: string,
): Promise<string> {
  const columns = await connection.all<{ name: string | null; desc: number; coll: string }>(
    'SELECT name, "desc", coll FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno',
    [name],
  )
  const parts = columns.map(
    (column) =>
      `${column.name ?? '<expression>'}${column.coll === 'BINARY' ? '' : ` collate ${column.coll}`}${column.desc ? ' desc' : ''}`,
  )
  const unique = /^create\s+unique\b/i.test(sql) ? 'unique ' : ''
  const where = /\bwhere\b[\s\S]*$/i.exec(sql)?.[0] ?? ''
  // An expression appears only in the SQL itself.
  const expressions = columns.some((column) => column.name === null)
    ? ` ${evenOut(sql.slice(sql.indexOf('(')))}`
    : ''
  return `${unique}on ${table} (${parts.join(', ')})${expressions}${where && ` ${evenOut(where)}`}`.toLowerCase()
}

/** Returns the CHECK constraints in a table's SQL, each with its outer parentheses. */
export function checkConstraints(sql: string): string[] {
  const checks: string[] = []
  for (const match of sql.matchAll(/\bcheck\s*\(/gi)) {
    let depth = 0
    let quote = ''
    for (let at = match.index + match[0].length - 1; at < sql.length; at++) {
      const char = sql.charAt(at)
      if (quote) {
        if (char === quote) quote = ''
      } else if (char === "'" || char === '"') quote = char
      else if (char === '(') depth++
      else if (char === ')' && --depth === 0) {
        checks.push(evenOut(sql.slice(match.index + match[0].length - 1, at + 1)))
        break
      }
    }
  }
  return checks.sort()
}

/**
 * Normalizes SQL: removes comments, evens out the space between tokens, and lowercases everything outside of
 * quotes.
 */
export function evenOut(sql: string): string {
  return sql
    .split(/('(?:[^']|'')*')/)
    .map((part, index) =>
      index % 2
        ? part
        : part
            .replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
            .toLowerCase()
            .replace(/\s+/g, ' ')
            .replace(/\s*([(),=<>;])\s*/g, '$1'),
    )
    .join('')
    .trim()
    .replace(/;$/, '')
}
