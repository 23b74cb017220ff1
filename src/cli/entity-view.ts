import type { Row } from '../core/engine/connection.ts'
import { counted } from '../core/plural.ts'
import type { Entity, EntityRow } from '../core/records/entity.ts'
import type { Deletion } from '../core/records/repository.ts'
import type { View } from './output/view.ts'
import { localTime, type Style } from './terminal.ts'

/** A list of records: the columns worth a place, times in the local zone. */
export function listView(entity: Entity): View<Row[]> {
  return {
    fields: entity.columns.map(({ name }) => name),
    listed: entity.columns.filter(({ listed }) => listed).map(({ name }) => name),
    cell: (field, value, short) => {
      const text = forPeople(entity, field, value)
      return short ? shortened(entity, field, text) : text
    },
  }
}

/** One record whole, a field a line, long text below its name. */
export function recordView(entity: Entity): View<EntityRow> {
  const { columns } = entity
  return {
    fields: columns.map(({ name }) => name),
    words: (record) => {
      const given = columns.filter(({ name }) => record[name] !== null && record[name] !== undefined)
      return Object.fromEntries(given.map(({ name }) => [name, forPeople(entity, name, record[name])]))
    },
    blocks: columns.filter(({ long }) => long).map(({ name }) => name),
    text: (record, style) =>
      columns
        .map(({ name, long }) => fieldLine(name, record[name] as string | undefined, long, style))
        .join(''),
    cell: (field, value) => forPeople(entity, field, value),
  }
}

/**
 * Without seconds, and of an id the part that tells records of one millisecond apart; it still names its
 * record.
 */
function shortened(entity: Entity, field: string, text: string): string {
  const column = entity.columns.find(({ name }) => name === field)
  if (column?.kind === 'time') return text.slice(0, 16)
  return column?.kind === 'id' || column?.reference ? text.slice(0, 18) : text
}

function fieldLine(name: string, text: string | undefined, long: boolean, style: Style): string {
  if (text === undefined) return ''
  return long ? `${style.bold(name)}\n${text}\n` : `${style.bold(name.padEnd(14))} ${text}\n`
}

function forPeople(entity: Entity, field: string, value: unknown): string {
  const column = entity.columns.find(({ name }) => name === field)
  if (value === null || value === undefined) return ''
  if (column?.kind === 'time') return localTime(String(value))
  if (column?.states) return column.states[value ? 0 : 1]
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What a deletion did. */
export const deletionView = ({ name }: Entity): View<Deletion> => ({
  fields: ['deleted', 'cascaded', 'unlinked', 'dry_run'],
  done: ({ deleted, dry_run }) =>
    dry_run || deleted === 0 ? undefined : `deleted: ${counted(deleted, name)}`,
  text: ({ deleted, cascaded, unlinked, dry_run }) => {
    const list = (counts: Record<string, number>) =>
      Object.entries(counts)
        .map(([table, rows]) => `${rows} in ${table}`)
        .join(', ')
    const along = Object.keys(cascaded).length ? `; deleted with it: ${list(cascaded)}` : ''
    const kept = Object.keys(unlinked).length ? `; kept without the reference: ${list(unlinked)}` : ''
    return `${dry_run ? 'would delete' : 'deleted'} ${deleted}${along}${kept}\n`
  },
})
