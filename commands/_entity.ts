import type { Context } from '../src/cli/context.ts'
import { recordView } from '../src/cli/entity-view.ts'
import { type Database, withDatabase } from '../src/core/database/database.ts'
import type { Connection } from '../src/core/engine/connection.ts'
import { ENTITIES } from '../src/core/records/entities/index.ts'
import type { Entity, EntityRow } from '../src/core/records/entity.ts'
import { findKey } from '../src/core/records/find-record.ts'
import { updateRecord } from '../src/core/records/repository.ts'
import { requireTable } from '../src/core/schema/require-table.ts'

/** Changes one record and prints it: `update`, and the verbs that set fields to fixed values. */
export function change(ctx: Context, entity: Entity, named: string, changes: EntityRow): Promise<void> {
  return printRecord(ctx, entity, 'changed', (db) =>
    db.transaction((writer) => updateRecord(writer, entity, named, changes, ctx.host.now())),
  )
}

/**
 * Opens the database for work on an entity, and prints the record that the work returns: one that was read,
 * created or changed.
 */
export async function printRecord(
  ctx: Context,
  entity: Entity,
  outcome: 'read' | 'made' | 'changed',
  work: (db: Database) => Promise<EntityRow>,
): Promise<void> {
  const isRead = outcome === 'read'
  const done = (row: EntityRow) =>
    isRead ? undefined : `the ${entity.name} ${row[entity.key]} was ${outcome}`
  const print = ctx.printer({ ...recordView(entity), done })
  await print(await withEntity(ctx, entity, isRead ? 'read' : 'write', work))
}

/** Opens the database and requires the entity's table. */
export function withEntity<T>(
  ctx: Context,
  entity: Entity,
  access: 'read' | 'write',
  work: (db: Database) => Promise<T>,
): Promise<T> {
  return withDatabase({ ...ctx.database, access }, async (db) => {
    await db.read((reader) => requireTable(reader, entity.table))
    return work(db)
  })
}

/** Resolves filters: one on a reference may be a prefix of an id, as everywhere. */
export async function resolveFilters(db: Database, entity: Entity, where: Record<string, string | boolean>) {
  const resolve = async (reader: Connection, name: string, value: string | boolean) => {
    const target = ENTITIES[entity.columns.find((column) => column.name === name)?.reference ?? '']
    return target && typeof value === 'string' ? findKey(reader, target, value) : value
  }
  return db.read(async (reader) => {
    const resolved: Record<string, string | boolean> = {}
    for (const [name, value] of Object.entries(where)) resolved[name] = await resolve(reader, name, value)
    return resolved
  })
}
