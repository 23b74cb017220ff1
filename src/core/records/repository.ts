import { v7 as uuid } from 'uuid'
import type { Connection, Value } from '../engine/connection.ts'
import { quoteName } from '../engine/quote-name.ts'
import { AppError } from '../errors.ts'
import {
  type Change,
  ignoredError,
  readBack,
  refuseIgnored,
  refusing,
  type Written,
} from '../schema/ignored-changes.ts'
import { formatTimestamp } from '../timestamp.ts'
import { ENTITIES } from './entities/index.ts'
import { type Column, type Entity, type EntityRow, type RecordOf, selectColumns } from './entity.ts'
import { findKey, findKeys } from './find-record.ts'
import { decodeRow, encodeInput } from './record.ts'

/** The record with this id, or with an id that begins so. Throws NOT_FOUND. */
export async function getRecord<Of extends Entity>(
  connection: Connection,
  entity: Of,
  named: string,
): Promise<RecordOf<Of>> {
  return readRecord(connection, entity, await findKey(connection, entity, named))
}

/**
 * Makes records in the transaction that `writer` is in, all or none; they are read back from it. Throws
 * INVALID before anything is written when a value is refused or a reference leads nowhere, and where a
 * trigger or a constraint ignores or changes what is written.
 */
export async function createRecords<Of extends Entity>(
  writer: Connection,
  entity: Of,
  inputs: readonly EntityRow[],
  now: Date,
): Promise<RecordOf<Of>[]> {
  const moment = formatTimestamp(now)
  const known = new Map<string, string>()
  const rows: Map<string, Value>[] = []
  const written: Written[] = []
  for (const input of inputs) {
    const values = encodeInput(entity, input, { partial: false })
    await resolveReferences(writer, entity, values, known)
    const row = new Map(entity.columns.map((column) => [column.name, given(values, column, moment)]))
    rows.push(row)
    written.push({ key: row.get(entity.key) ?? null, values })
  }
  const names = entity.columns.map(({ name }) => name)
  await insertAll(writer, entity.table, names, rows)
  return stored(writer, entity, 'insert', written)
}

/** The records as they stand after a change, which was kept. */
async function stored<Of extends Entity>(
  writer: Connection,
  entity: Of,
  change: Change,
  written: Written[],
): Promise<RecordOf<Of>[]> {
  const { table, key } = entity
  const rows = await readBack(writer, { table, key, columns: selectColumns(entity), change }, written)
  return rows.map((row) => decodeRow(entity, row))
}

/** Changes the given fields of one record, and reads it back. Throws NOT_FOUND, INVALID. */
export async function updateRecord<Of extends Entity>(
  writer: Connection,
  entity: Of,
  named: string,
  changes: EntityRow,
  now: Date,
): Promise<RecordOf<Of>> {
  refuseNewKey(entity, changes)
  const values = encodeInput(entity, changes, { partial: true })
  const key = await findKey(writer, entity, named)
  await resolveReferences(writer, entity, values, new Map())
  // A trigger may well have a time of its own for this.
  const written = { key, values: new Map(values) }
  for (const { name, moment } of entity.columns) {
    if (moment !== 'updated') continue
    values.set(name, formatTimestamp(now))
    written.values.delete(name)
  }
  const { table } = entity
  const assignments = [...values.keys()].map((name) => `${name} = ?`).join(', ')
  const changed = await writer.run(
    `UPDATE ${await refusing(writer, table)} ${table} SET ${assignments} WHERE ${entity.key} = ?`,
    [...values.values(), key],
  )
  await refuseIgnored(writer, table, 'update', { changed, meant: 1 })
  const [row] = await stored(writer, entity, 'update', [written])
  if (!row) throw new Error('a record that was changed was not read back')
  return row
}

/** A key names its record, and others refer to it. */
function refuseNewKey({ name, key }: Entity, changes: EntityRow): void {
  if (typeof changes !== 'object' || changes === null || changes[key] === undefined) return
  throw new AppError('INVALID', `${name}: ${key} cannot be changed`, {
    hint: [{ step: 'create_record', entity: name }, 'then delete the old one'],
  })
}

/** What a deletion did: records by table. */
export interface Deletion {
  deleted: number
  /** Only in a dry run: nothing was deleted, `deleted` is what would be. */
  dry_run?: boolean
  /** Records of other tables that went along, and those that stayed and lost their reference. */
  cascaded: Record<string, number>
  unlinked: Record<string, number>
}

/** Deletes records, all or none, and tells what that did to others. Throws NOT_FOUND. */
export async function deleteRecords(writer: Connection, entity: Entity, named: string[]): Promise<Deletion> {
  return deleteKeys(writer, entity, await findKeys(writer, entity, named))
}

/** What deleting would do; for questions and dry runs. */
export async function previewDeletion(
  connection: Connection,
  entity: Entity,
  keys: string[],
): Promise<Deletion> {
  const deletion: Deletion = { deleted: keys.length, cascaded: {}, unlinked: {} }
  for (const { table, column, onDelete } of await referencesTo(connection, entity.table)) {
    const count = await connection.get<{ n: number }>(
      `SELECT count(*) AS n FROM ${quoteName(table)} WHERE ${quoteName(column)} IN (SELECT value FROM json_each(?))`,
      [JSON.stringify(keys)],
    )
    if (count?.n) deletion[onDelete === 'CASCADE' ? 'cascaded' : 'unlinked'][table] = count.n
  }
  return deletion
}

/**
 * Deletes the records with these keys; those that are gone already count for nothing. Throws INVALID where
 * one of them, or of the records that go along, stays.
 */
export async function deleteKeys(writer: Connection, entity: Entity, keys: string[]): Promise<Deletion> {
  const { table } = entity
  const deletion = await previewDeletion(writer, entity, keys)
  const these = `FROM ${table} WHERE ${entity.key} IN (SELECT value FROM json_each(?))`
  const named = [JSON.stringify(keys)]
  const deleted = await writer.run(`DELETE ${these}`, named).catch(async (error) => {
    // A record that would go along and was kept is one that refers to nothing now.
    const kept = await keptAlong(writer, entity, Object.keys(deletion.cascaded))
    throw (error instanceof AppError && error.code === 'INVALID' && kept) || error
  })
  if (await writer.get(`SELECT 1 ${these}`, named)) throw await ignoredError(writer, table, 'delete')
  const left = await previewDeletion(writer, entity, keys)
  for (const other of Object.keys({ ...left.cascaded, ...left.unlinked }))
    throw await ignoredError(writer, other, other in left.cascaded ? 'delete' : 'update')
  return { ...deletion, deleted }
}

async function readRecord<Of extends Entity>(
  connection: Connection,
  entity: Of,
  key: string,
): Promise<RecordOf<Of>> {
  const row = await connection.get(
    `SELECT ${selectColumns(entity)} FROM ${entity.table} WHERE ${entity.key} = ?`,
    [key],
  )
  if (!row) {
    throw new AppError('NOT_FOUND', `the ${entity.name} ${key} was deleted a moment ago`, {
      hint: { step: 'list_records', entity: entity.name },
    })
  }
  return decodeRow(entity, row)
}

/** What is stored: the given value, null too, which is not the same as none. */
function given(values: Map<string, Value>, column: Column, moment: string): Value {
  const value = values.get(column.name)
  return value === undefined ? initialValue(column, moment) : value
}

function initialValue(column: Column, moment: string): Value {
  if (column.kind === 'id') return uuid()
  return column.moment ? moment : (column.initial ?? null)
}

/**
 * References may be given by the beginning of an id; each is replaced by the whole. Throws INVALID for none.
 */
async function resolveReferences(
  connection: Connection,
  entity: Entity,
  values: Map<string, Value>,
  known: Map<string, string>,
): Promise<void> {
  for (const { name, reference } of entity.columns) {
    const target = reference === undefined ? undefined : ENTITIES[reference]
    const named = values.get(name)
    if (!target || typeof named !== 'string') continue
    const id = `${name} ${named}`
    const key = known.get(id) ?? (await findKey(connection, target, named).catch(asInvalid))
    known.set(id, key)
    values.set(name, key)
  }
}

function asInvalid(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error
  throw new AppError('INVALID', error.message, { hint: error.advice, cause: error })
}

/** SQLite takes 32,766 parameters a statement; a few hundred rows at a time is as fast as it gets. */
const ROWS_A_STATEMENT = 1000

/** Inserts rows as they are, several to a statement. Throws INVALID where the table does not keep one. */
export async function insertAll(
  writer: Connection,
  table: string,
  names: readonly string[],
  rows: Map<string, Value>[],
): Promise<void> {
  const or = await refusing(writer, table)
  for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
    const some = rows.slice(start, start + ROWS_A_STATEMENT)
    const marks = `(${names.map(() => '?').join(', ')})`
    const changed = await writer.run(
      `INSERT ${or} INTO ${table} (${names.join(', ')}) VALUES ${some.map(() => marks).join(', ')}`,
      some.flatMap((row) => names.map((name) => row.get(name) ?? null)),
    )
    await refuseIgnored(writer, table, 'insert', { changed, meant: some.length })
  }
}

/** The error for a cascade that was ignored, where a trigger tells of one. */
async function keptAlong(
  writer: Connection,
  { table }: Entity,
  others: string[],
): Promise<AppError | undefined> {
  for (const other of others) {
    const error = await ignoredError(writer, other, 'delete')
    if (other !== table && error.message.includes('trigger')) return error
  }
  return undefined
}

async function referencesTo(connection: Connection, table: string) {
  return connection.all<{ table: string; column: string; onDelete: string }>(
    `SELECT t.name AS "table", f."from" AS "column", f.on_delete AS onDelete
     FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
     WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL TABLE%' AND f."table" = ? COLLATE NOCASE
     ORDER BY t.name`,
    [table],
  )
}
