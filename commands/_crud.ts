import type { Command } from 'commander'
import type { Context } from '../src/cli/context.ts'
import {
  columnOptions,
  filterOptions,
  readColumns,
  readFilters,
  readSort,
} from '../src/cli/entity-options.ts'
import { deletionView, listView } from '../src/cli/entity-view.ts'
import { wholeNumber } from '../src/cli/option-values.ts'
import type { Connection } from '../src/core/engine/connection.ts'
import type { Entity, EntityRow } from '../src/core/records/entity.ts'
import { findKeys } from '../src/core/records/find-record.ts'
import { listRecords } from '../src/core/records/list-records.ts'
import { encodeInput } from '../src/core/records/record.ts'
import {
  createRecords,
  type Deletion,
  deleteKeys,
  getRecord,
  previewDeletion,
} from '../src/core/records/repository.ts'
import { change, printRecord, resolveFilters, withEntity } from './_entity.ts'

/** Creates records in the transaction of `writer`. */
type Create = (writer: Connection, inputs: EntityRow[], now: Date) => Promise<EntityRow[]>

/** Adds the verbs that every entity has: list, get, create, update, delete. */
export function crud(
  command: Command,
  context: () => Context,
  entity: Entity,
  create: Create = creating(entity),
): void {
  const { name, key } = entity

  filterOptions(command.command('list').description(`list ${name}s`), entity)
    .option('--sort <field>', `order by a field, - before it for descending; ${orderOf(entity)} by default`)
    .option('--after <id>', 'go on after this record')
    .option('--limit <n>', 'at most so many', wholeNumber)
    .action(async (options) => {
      const ctx = context()
      const print = ctx.listPrinter(listView(entity))
      const filters = readFilters(entity, options, ctx.host.now())
      const sort = readSort(entity, options.sort)
      await withEntity(ctx, entity, 'read', async (db) => {
        const where = await resolveFilters(db, entity, filters.where)
        const { after, limit } = options
        await print(listRecords(db, entity, { ...filters, where, sort, after, limit }))
      })
    })

  command
    .command('get')
    .description(`show one ${name} whole`)
    .argument(`<${key}>`, `its ${key}${key === 'id' ? ', or the first 8 characters or more of it' : ''}`)
    .action((named: string) =>
      printRecord(context(), entity, 'read', (db) => db.read((reader) => getRecord(reader, entity, named))),
    )

  creation(command.command('create').description(`make ${withArticle(name)}`), context, entity, create)

  columnOptions(
    command
      .command('update')
      .description(`change ${withArticle(name)}`)
      .argument(`<${key}>`),
    entity,
    'update',
  ).action(async (named: string, options) => {
    const ctx = context()
    const changes = await readColumns(ctx.host, entity, options)
    encodeInput(entity, changes, { partial: true })
    await change(ctx, entity, named, changes)
  })

  command
    .command('delete')
    .description(`delete ${name}s for good`)
    .argument(`<${key}...>`)
    .action(async (named: string[]) => {
      const ctx = context()
      const print = ctx.printer(deletionView(entity))
      await withEntity(ctx, entity, 'write', async (db) => {
        const keys = await db.read((reader) => findKeys(reader, entity, named))
        await ctx.confirm(
          deletionQuestion(entity, await db.read((reader) => previewDeletion(reader, entity, keys))),
        )
        await print(await db.transaction((writer) => deleteKeys(writer, entity, keys)))
      })
    })
}

/**
 * Adds the verb that creates a record from the options of the given columns; rejects invalid values before it
 * touches the database.
 */
export function creation(
  command: Command,
  context: () => Context,
  entity: Entity,
  create: Create,
  columns = entity.columns,
): void {
  columnOptions(command, { ...entity, columns }, 'create').action(async (options) => {
    const ctx = context()
    const input = await readColumns(ctx.host, entity, options)
    encodeInput(entity, input, { partial: false })
    await printRecord(ctx, entity, 'made', (db) =>
      db.transaction(async (writer) => first(await create(writer, [input], ctx.host.now()))),
    )
  })
}

const creating =
  (entity: Entity): Create =>
  (writer, inputs, now) =>
    createRecords(writer, entity, inputs, now)

function first(rows: EntityRow[]): EntityRow {
  const [row] = rows
  if (!row) throw new Error('creating gave no row')
  return row
}

function deletionQuestion({ name }: Entity, { deleted, cascaded, unlinked }: Deletion): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([table, rows]) => `${rows} of ${table}`)
      .join(' and ')
  const along = Object.keys(cascaded).length ? `, and with it ${list(cascaded)}` : ''
  const unlinks = Object.keys(unlinked).length ? `; ${list(unlinked)} stay without their reference` : ''
  return `Delete ${deleted} ${name}${deleted === 1 ? '' : 's'}${along}${unlinks}?`
}

const withArticle = (name: string) => `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`

const orderOf = ({ order }: Entity) => `${order.descending ? '-' : ''}${order.column}`
