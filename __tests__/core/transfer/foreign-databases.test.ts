import type { Connection } from '../../../src/core/engine/connection.ts'
import { foreignTable, RowGroups, rowsOf } from '../../../src/core/transfer/readers/foreign-table.ts'
import { isLibreOllama, readLibreOllama } from '../../../src/core/transfer/readers/libreollama/libreollama.ts'
import { isLlm } from '../../../src/core/transfer/readers/llm/llm.ts'
import { isOllama } from '../../../src/core/transfer/readers/ollama/ollama.ts'
import { isOpenWebUiDatabase } from '../../../src/core/transfer/readers/openwebui/openwebui-database.ts'
import { collect, withFixture, withForeign } from '../../helpers/foreign.ts'
import { ERA_A, ERA_B, ERA_D, ERA_E } from '../../helpers/libreollama-eras.ts'
import { GENERATION_0, GENERATION_2 } from '../../helpers/llm-generations.ts'

const DETECTORS = { isLibreOllama, isLlm, isOllama, isOpenWebUiDatabase }

const recognisedBy = async (connection: Connection) => {
  const names: string[] = []
  for (const [name, detect] of Object.entries(DETECTORS)) if (await detect(connection)) names.push(name)
  return names
}

test.each([
  ['LibreOllama, era A', ERA_A, ['isLibreOllama']],
  ['LibreOllama, era B', ERA_B, ['isLibreOllama']],
  ['LibreOllama, era E', ERA_E, ['isLibreOllama']],
  ['llm, generation 0', GENERATION_0, ['isLlm']],
  ['llm, generation 2', GENERATION_2, ['isLlm']],
  ['none', 'CREATE TABLE t (id)', []],
])('a database of %s is claimed by no other reader', async (_case, script, expected) => {
  await withForeign(script, async (connection) => expect(await recognisedBy(connection)).toEqual(expected))
})

test.each(['app-v14-plaintext.db', 'phase21-v1-plaintext.db'])('%s is LibreOllama’s', async (name) => {
  expect(await withFixture(name, recognisedBy)).toEqual(['isLibreOllama'])
})

test.each([
  ['a view', 'CREATE VIEW "t" AS SELECT 1 AS id'],
  ['a virtual table', 'CREATE VIRTUAL TABLE "t" USING fts5(id)'],
  ['no table', 'SELECT 1'],
])('%s is not read as a table', async (_case, script) => {
  await withForeign(script, async (connection) =>
    expect(await foreignTable(connection, 't', ['id'])).toBeUndefined(),
  )
})

test('a column that is missing is left out, one in other letters is found', async () => {
  const rows = await withForeign(
    `CREATE TABLE "T" ("ID" INTEGER, "a""b" TEXT); INSERT INTO t VALUES (7, 'x')`,
    async (connection) => {
      const table = await foreignTable(connection, 't', ['id', 'a"b', 'missing'])
      const found: unknown[] = []
      if (table) for await (const row of rowsOf(connection, table)) found.push(row)
      return found
    },
  )
  expect(rows).toEqual([{ id: 7, 'a"b': 'x', '@row': 1 }])
})

test('rows are found by a column without an index, and numbers as text', async () => {
  await withForeign(
    `CREATE TABLE t (owner, text); INSERT INTO t VALUES (1, 'a'), ('1', 'b'), (NULL, 'c'), (2, 'd')`,
    async (connection) => {
      const table = await foreignTable(connection, 't', ['owner', 'text'])
      const groups = await RowGroups.make(connection, table, ['owner'], (row) => row.owner)
      expect((await groups.of('1')).map(({ text }) => text)).toEqual(['a', 'b'])
      expect(await groups.of('3')).toEqual([])
      expect([...groups.keys()]).toEqual(['1', '2'])
    },
  )
})

test('only known tables are read, and nothing is written', async () => {
  await withForeign(ERA_D, async (connection) => {
    const statements: string[] = []
    const watched: Connection = {
      ...connection,
      all: (sql, parameters) => {
        statements.push(sql)
        return connection.all(sql, parameters)
      },
      get: (sql, parameters) => {
        statements.push(sql)
        return connection.get(sql, parameters)
      },
      run: () => Promise.reject(new Error('nothing is to be run')),
      exec: () => Promise.reject(new Error('nothing is to be run')),
    }
    await collect(readLibreOllama(watched, { timeZone: 'UTC' }))
    const tables = new Set(
      statements.flatMap((sql) => [...sql.matchAll(/FROM "(\w+)"/g)].map(([, name]) => name)),
    )
    expect([...tables].sort()).toEqual([
      'agent_executions',
      'agents',
      'chat_messages',
      'chat_sessions',
      'messages',
      'user_preferences',
    ])
  })
})
