import { parseMoment } from '../../src/core/moment.ts'
import { ENTITIES } from '../../src/core/records/entities/index.ts'
import { expectedSchema } from '../../src/core/schema/schema-check.ts'
import { formatTimestamp, readTimestamp } from '../../src/core/timestamp.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'

const TYPES = {
  id: 'TEXT',
  text: 'TEXT',
  json: 'TEXT',
  integer: 'INTEGER',
  real: 'REAL',
  boolean: 'BOOLEAN',
  time: 'DATETIME',
}

test.each(Object.entries(ENTITIES))(
  'the declaration of %s is the table that the migrations make',
  async (name, entity) => {
    const migrations = await shippedMigrations()
    const { tables } = await expectedSchema(migrations, migrations.length)
    const table = tables.get(entity.table)
    const declared = entity.columns.map((column) => [column.name, TYPES[column.kind], !column.nullable])
    const made = [...(table?.columns ?? [])].map(([column, { type, notNull, primaryKey }]) => [
      column,
      type,
      notNull || primaryKey > 0,
    ])
    expect(declared).toEqual(made)
    const references = entity.columns.flatMap(({ name, reference }) =>
      reference ? [`${name} ${ENTITIES[reference]?.table}`] : [],
    )
    expect(references).toEqual(
      expect.arrayContaining(table?.foreignKeys.map(({ columns, table }) => `${columns} ${table}`) ?? []),
    )
    expect(entity.name).toBe(name)
    for (const column of entity.columns) {
      const example = ['integer', 'real'].includes(column.kind)
        ? Number(column.example)
        : column.kind === 'json'
          ? JSON.parse(column.example)
          : column.kind === 'boolean'
            ? true
            : column.example
      expect([column.name, column.check(example)]).toEqual([column.name, true])
    }
  },
)

test.each([
  ['2025-06-05T20:22:06.123456789+00:00', '2025-06-05T20:22:06.123456+00:00'],
  ['2025-06-05T20:22:06.5Z', '2025-06-05T20:22:06.500000+00:00'],
  ['2025-06-05T20:22:06+00:00', '2025-06-05T20:22:06.000000+00:00'],
  ['2025-06-05 20:22:06', '2025-06-05T20:22:06.000000+00:00'],
  ['2025-06-05T20:22:06.123456+00:00', '2025-06-05T20:22:06.123456+00:00'],
  ['2025-02-30T20:22:06Z', null],
  ['2025-06-00T00:00:00.000000+00:00', null],
  ['2025-06-05T24:22:06Z', null],
  ['yesterday', null],
])('the stored time %s is read as %s', (stored, expected) => {
  expect(readTimestamp(stored)).toBe(expected)
})

test('times are written with microseconds, in UTC', () => {
  expect(formatTimestamp(new Date(0))).toBe('1970-01-01T00:00:00.000000+00:00')
})

test.each([
  ['7d', '2025-06-03T12:00:00.000Z'],
  ['12h', '2025-06-10T00:00:00.000Z'],
  ['2w', '2025-05-27T12:00:00.000Z'],
  ['2025-06-05', '2025-06-05T00:00:00.000Z'],
  ['2025-06-05T20:22:06+02:00', '2025-06-05T18:22:06.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
])('the moment %s is %s', (text, expected) => {
  expect(parseMoment(text, new Date('2025-06-10T12:00:00Z')).toISOString()).toBe(expected)
})

test.each(['2025-02-29', '2025-13-01', '2025-06-31T00:00:00Z', '7', 'soon', '', '7y', '2025-6-5'])(
  '%j is not a moment',
  (text) => {
    expect(() => parseMoment(text, new Date())).toThrow(expect.objectContaining({ code: 'INVALID' }))
  },
)
