import { withMemoryDatabase } from '../engine/connect.ts'
import type { Connection } from '../engine/connection.ts'
import { quoteName } from '../engine/quote-name.ts'
import { readApplied } from './ledger.ts'
import { currentVersion, latestVersion, type Migration } from './migrations.ts'
import { otherApplication } from './other-tables.ts'
import {
  type Column,
  type ForeignKey,
  readSchema,
  type Schema,
  type SchemaObject,
  type Table,
} from './schema.ts'

/** The comparison of a database's schema with that of its migrations. */
export interface SchemaReport {
  valid: boolean
  schema_version: number
  /** The newest version that this program knows. */
  expected_version: number
  /** False for a file of a newer program: its expected schema is unknown here, so nothing was compared. */
  compared: boolean
  findings: Finding[]
}

/** One difference. */
export interface Finding {
  kind: 'missing' | 'extra' | 'changed'
  type: 'table' | 'column' | 'index' | 'trigger' | 'view' | 'foreign_key'
  table: string
  name: string
  expected: string | null
  actual: string | null
  /** SQL that fixes it; it can drop data when something is extra, so this program never runs it. */
  fix_sql: string
}

/**
 * Compares a database with what the migrations create at the database's own version. Throws INVALID for the
 * database of another application, of which nothing is to be changed.
 */
export async function verifySchema(connection: Connection, migrations: Migration[]): Promise<SchemaReport> {
  const other = await otherApplication(connection)
  if (other) throw other
  const version = currentVersion(await readApplied(connection))
  const latest = latestVersion(migrations)
  const compared = version <= latest
  const findings = compared ? await findDifferences(connection, migrations, version) : []
  return {
    valid: findings.length === 0,
    schema_version: version,
    expected_version: latest,
    compared,
    findings,
  }
}

async function findDifferences(
  connection: Connection,
  migrations: Migration[],
  version: number,
): Promise<Finding[]> {
  const actual = await readSchema(connection)
  const expected = await expectedSchema(migrations, version)
  if (version > 0 || actual.tables.size === 0) return compareSchemas(expected, actual)
  // Tables without a version: only the version is missing, so no table counts as extra.
  const latest = await expectedSchema(migrations, latestVersion(migrations))
  const isOurs = [...latest.tables.keys()].some((name) => actual.tables.has(name))
  return isOurs ? findLostVersions(actual, migrations) : compareSchemas(expected, actual)
}

/** Compares tables whose version is not recorded with the version that they are closest to. */
async function findLostVersions(actual: Schema, migrations: Migration[]): Promise<Finding[]> {
  let [version, findings]: [number, Finding[]] = [0, []]
  for (let tried = latestVersion(migrations); tried > 0; tried--) {
    const found = compareSchemas(await expectedSchema(migrations, tried), actual)
    if (version === 0 || found.length < findings.length) [version, findings] = [tried, found]
  }
  const rows = Array.from({ length: version }, (_, index) => `(${index + 1})`).join(', ')
  const insert = `INSERT INTO schema_version (version) VALUES ${rows};`
  const table = findings.find(({ type, name }) => type === 'table' && name === 'schema_version')
  if (table) table.fix_sql += `\n${insert}`
  else if (!findings.some((finding) => finding.table === 'schema_version'))
    findings.push({
      ...about('table', 'schema_version', 'schema_version'),
      kind: 'changed',
      expected: `a row for each version from 1 to ${version}`,
      actual: 'no row',
      fix_sql: insert,
    })
  return findings
}

/** Returns the schema that the migrations create up to `version`, read from a database in memory. */
export async function expectedSchema(migrations: Migration[], version: number): Promise<Schema> {
  return withMemoryDatabase(async (connection) => {
    for (const { up } of migrations.slice(0, version)) await connection.exec(up)
    return readSchema(connection)
  })
}

/** Lists every difference once: a missing table stands for its columns, keys and indexes too. */
export function compareSchemas(expected: Schema, actual: Schema): Finding[] {
  const findings: Finding[] = []
  for (const [name, table] of expected.tables) {
    const found = actual.tables.get(name)
    if (found) findings.push(...compareTables(name, table, found, expected))
    else findings.push(missingTable(name, table, expected))
  }
  for (const [name, table] of actual.tables) {
    if (expected.tables.has(name)) continue
    const sql = oneLine(table.sql)
    findings.push({
      ...about('table', name, name),
      kind: 'extra',
      actual: sql,
      fix_sql: `DROP TABLE ${quoteName(name)};`,
    })
  }
  for (const type of ['index', 'trigger', 'view'] as const) {
    const [wanted, found] =
      type === 'index' ? [expected.indexes, actual.indexes] : [expected[`${type}s`], actual[`${type}s`]]
    findings.push(...compareObjects(type, wanted, found, expected, actual))
  }
  return findings
}

const about = (type: Finding['type'], table: string, name: string) => ({
  type,
  table,
  name,
  expected: null,
  actual: null,
})

function missingTable(name: string, table: Table, expected: Schema): Finding {
  const fix = [table.sql, ...objectsOf(name, expected)].map((sql) => `${sql};`).join('\n')
  return { ...about('table', name, name), kind: 'missing', expected: oneLine(table.sql), fix_sql: fix }
}

function compareTables(name: string, expected: Table, actual: Table, schema: Schema): Finding[] {
  const findings: Finding[] = []
  const rebuild = rebuildTable(name, expected, actual, schema)
  for (const [column, wanted] of expected.columns) {
    const found = actual.columns.get(column)
    const wantedText = describeColumn(wanted)
    if (!found) {
      const add = `ALTER TABLE ${quoteName(name)} ADD COLUMN ${quoteName(column)} ${wantedText};`
      const fix = canBeAdded(wanted) ? add : rebuild
      findings.push({ ...about('column', name, column), kind: 'missing', expected: wantedText, fix_sql: fix })
    } else if (describeColumn(found) !== wantedText) {
      const both = { expected: wantedText, actual: describeColumn(found) }
      findings.push({ ...about('column', name, column), kind: 'changed', ...both, fix_sql: rebuild })
    }
  }
  for (const [column, found] of actual.columns) {
    if (expected.columns.has(column)) continue
    const fix = `ALTER TABLE ${quoteName(name)} DROP COLUMN ${quoteName(column)};`
    findings.push({
      ...about('column', name, column),
      kind: 'extra',
      actual: describeColumn(found),
      fix_sql: fix,
    })
  }
  findings.push(...compareForeignKeys(name, expected, actual, rebuild))
  if (expected.checks.join() !== actual.checks.join()) {
    const both = {
      expected: `check ${expected.checks.join(', ')}`,
      actual: `check ${actual.checks.join(', ') || '-'}`,
    }
    findings.push({ ...about('table', name, name), kind: 'changed', ...both, fix_sql: rebuild })
  }
  if (expected.conflicts.join() !== actual.conflicts.join()) {
    const both = {
      expected: expected.conflicts.join(', ') || '-',
      actual: actual.conflicts.join(', ') || '-',
    }
    findings.push({ ...about('table', name, name), kind: 'changed', ...both, fix_sql: rebuild })
  }
  return findings
}

function compareForeignKeys(name: string, expected: Table, actual: Table, rebuild: string): Finding[] {
  const byColumns = (keys: ForeignKey[]) =>
    new Map(keys.map((key) => [key.columns.join(), describeForeignKey(key)]))
  const wanted = byColumns(expected.foreignKeys)
  const found = byColumns(actual.foreignKeys)
  const columns = new Set([...wanted.keys(), ...found.keys()])
  return [...columns]
    .filter((column) => wanted.get(column) !== found.get(column))
    .map((column) => ({
      ...about('foreign_key', name, column),
      kind: wanted.has(column) ? (found.has(column) ? 'changed' : 'missing') : 'extra',
      expected: wanted.get(column) ?? null,
      actual: found.get(column) ?? null,
      fix_sql: rebuild,
    }))
}

function compareObjects(
  type: 'index' | 'trigger' | 'view',
  wanted: Map<string, SchemaObject>,
  found: Map<string, SchemaObject>,
  expected: Schema,
  actual: Schema,
): Finding[] {
  const findings: Finding[] = []
  const drop = (name: string) => `DROP ${type.toUpperCase()} ${quoteName(name)};`
  for (const [name, object] of wanted) {
    const other = found.get(name)
    if (other?.definition === object.definition || (type !== 'view' && !actual.tables.has(object.table)))
      continue
    findings.push({
      ...about(type, object.table, name),
      kind: other ? 'changed' : 'missing',
      expected: object.definition,
      actual: other?.definition ?? null,
      fix_sql: other ? `${drop(name)}\n${object.sql};` : `${object.sql};`,
    })
  }
  for (const [name, object] of found) {
    const withExtraTable = type !== 'view' && !expected.tables.has(object.table)
    if (wanted.has(name) || withExtraTable) continue
    findings.push({
      ...about(type, object.table, name),
      kind: 'extra',
      actual: object.definition,
      fix_sql: drop(name),
    })
  }
  return findings
}

function describeColumn({ type, notNull, default: value, primaryKey }: Column): string {
  return [
    type,
    primaryKey ? 'PRIMARY KEY' : '',
    notNull ? 'NOT NULL' : '',
    value === null ? '' : `DEFAULT ${value}`,
  ]
    .filter(Boolean)
    .join(' ')
}

function describeForeignKey({ columns, table, to, onDelete, onUpdate }: ForeignKey): string {
  return `(${columns.join(', ')}) references ${table} (${to.join(', ')}) on delete ${onDelete} on update ${onUpdate}`.toLowerCase()
}

/**
 * Returns true when SQLite can add a column, which every existing row must be able to have: no key, and no
 * NOT NULL without a constant default.
 */
function canBeAdded({ notNull, default: value, primaryKey }: Column): boolean {
  const constant = value !== null && !/^current_|^\(/.test(value)
  return primaryKey === 0 && (value === null ? !notNull : constant)
}

/**
 * Returns SQL that rebuilds a table for changes that SQLite cannot make with ALTER: create, copy the common
 * columns, drop, rename.
 */
function rebuildTable(name: string, expected: Table, actual: Table, schema: Schema): string {
  const copy = `${name}_mended`
  const common = [...expected.columns.keys()].filter((column) => actual.columns.has(column)).map(quoteName)
  const create = expected.sql.replace(/^(create\s+table\s+)("[^"]+"|\w+)/i, `$1${quoteName(copy)}`)
  return [
    'PRAGMA foreign_keys = OFF',
    'PRAGMA legacy_alter_table = ON', // lets a view name the table while it does not exist
    'BEGIN IMMEDIATE',
    create,
    `INSERT INTO ${quoteName(copy)} (${common.join(', ')}) SELECT ${common.join(', ')} FROM ${quoteName(name)}`,
    `DROP TABLE ${quoteName(name)}`,
    `ALTER TABLE ${quoteName(copy)} RENAME TO ${quoteName(name)}`,
    ...objectsOf(name, schema),
    'COMMIT',
    'PRAGMA legacy_alter_table = OFF',
    'PRAGMA foreign_keys = ON',
  ]
    .map((sql) => `${sql};`)
    .join('\n')
}

function objectsOf(table: string, { indexes, triggers }: Schema): string[] {
  return [...indexes.values(), ...triggers.values()]
    .filter((object) => object.table === table)
    .map(({ sql }) => sql)
}

const oneLine = (sql: string) => sql.replace(/\s+/g, ' ')
