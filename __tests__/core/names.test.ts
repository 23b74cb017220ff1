import { join } from 'node:path'
import * as library from '../../src/index.ts'
import { RAW_KEY } from '../helpers/database.ts'
import { temporaryFolder } from '../helpers/folder.ts'

/** As a caller without types writes it, or as it comes out of JSON. */
type Anything = never

const place = { path: join(temporaryFolder(), 'a.db'), key: RAW_KEY }
const SECRET = 'TOP secret instructions'
let mine = ''

beforeAll(async () => {
  await library.initDatabase(place)
  await opened(async (db) => {
    await library.createAgent(db, { name: 'Ada', model_name: 'm', system_prompt: SECRET })
    const [own, other] = await library.createChatSessions(db, [{ title: 'mine' }, { title: 'not mine' }])
    mine = own?.id ?? ''
    for (const session_id of [mine, other?.id ?? ''])
      await library.createChatMessage(db, { session_id, role: 'user', content: 'a zebra' })
  })
})

const opened = <T>(work: (db: library.Database) => Promise<T>): Promise<T> =>
  library.withDatabase({ ...place, access: 'write' }, work)

/** The error that the work ends with, and the SQL that ran meanwhile. */
async function refused(work: (db: library.Database) => Promise<unknown>) {
  const statements: string[] = []
  const error = await library
    .withDatabase({ ...place, access: 'write', onStatement: ({ sql }) => statements.push(sql) }, work)
    .then(() => undefined)
    .catch((thrown) => thrown)
  return { error, sql: statements.join('\n') }
}

const rowsOf = async <Row>(pages: AsyncGenerator<Row[]>): Promise<Row[]> => {
  const rows: Row[] = []
  for await (const page of pages) rows.push(...page)
  return rows
}

type Select = (db: library.Database, options: Anything) => Promise<unknown>

const LISTS: Record<string, Select> = {
  sessions: (db, options) => rowsOf(library.listChatSessions(db, options)),
  messages: (db, options) => rowsOf(library.listChatMessages(db, options)),
  agents: (db, options) => rowsOf(library.listAgents(db, options)),
  settings: (db, options) => rowsOf(library.listSettings(db, options)),
  executions: (db, options) => rowsOf(library.listAgentExecutions(db, options)),
}

const out = join(temporaryFolder(), 'out.jsonl')

/** Every function that takes a selection. */
const SELECTING: Record<string, Select> = {
  ...LISTS,
  search: (db, options) => library.searchChatMessages(db, 'zebra', options),
  export: (db, options) => library.exportConversations(db, out, options),
  'export as JSON': (db, options: object) =>
    library.exportConversations(db, out, { format: 'json', ...options }),
}

const INJECTIONS = [
  '1=1) OR (1',
  "(SELECT system_prompt FROM agents LIMIT 1) LIKE 'TOP%' OR key",
  'title --',
  'm.id',
  'chat_sessions.id',
  '"id"',
  'ID',
  ' id',
  'rowid',
  '',
  'id\0',
  'constructor',
  'toString',
  '__proto__',
]

describe.each(Object.entries(SELECTING))('%s', (_name, select) => {
  test.each(INJECTIONS)('does not take the name %j', async (name) => {
    const where = JSON.parse(`{${JSON.stringify(name)}: 1}`)
    const { error, sql } = await refused((db) => select(db, { where } as Anything))
    expect(error).toMatchObject({
      name: 'AppError',
      code: 'INVALID',
      message: expect.stringContaining('there is no field'),
      hint: expect.stringMatching(/^the fields are: (id|key), .*metadata|updated_at/),
    })
    if (name.length > 9) expect(sql).not.toContain(name)
  })

  test.each<[situation: string, options: object]>([
    ['a Map', { where: new Map([['key', 'theme']]) }],
    ['an array', { where: ['key'] }],
    ['a text', { where: 'id' }],
    ['a number', { where: 7 }],
    ['an empty text', { where: '' }],
    ['false', { where: false }],
    ['members of a prototype', { where: Object.create({ created_at: 'x' }) }],
    ['undefined', { where: { created_at: undefined } }],
    ['a value that is an array', { where: { created_at: ['a'] } }],
    ['a value that is an object', { where: { created_at: { a: 1 } } }],
    ['a value that is a Date', { where: { created_at: new Date() } }],
    ['a value that is a big integer', { where: { created_at: 1n } }],
    ['a value that is NaN', { where: { created_at: Number.NaN } }],
    ['a value that is a symbol', { where: { created_at: Symbol('x') } }],
    ['a value that is a function', { where: { created_at: () => 1 } }],
    ['half a surrogate pair', { where: { created_at: '\ud800' } }],
    ['since that is no Date', { since: '2025-06-05' }],
    ['since that is 0', { since: 0 }],
    ['since that does not exist', { since: new Date('nonsense') }],
    ['until that does not exist', { until: new Date(Number.NaN) }],
  ])('does not take %s', async (_situation, options) => {
    const { error } = await refused((db) => select(db, options as Anything))
    expect(error).toMatchObject({ name: 'AppError', code: 'INVALID', hint: expect.stringMatching(/\S/) })
  })
})

test.each(Object.entries(LISTS))(
  'the list of %s takes no sort, limit and place that mean nothing',
  async (_name, list) => {
    const options: object[] = [
      ...INJECTIONS.map((sort) => ({ sort })),
      ...[7, ['id'], { toString: () => 'id' }, '--id', 'id DESC', 'metadata'].map((sort) => ({ sort })),
      ...[Number.NaN, -1, 2.5, '10', 2 ** 60, 1n, [], {}, Number.NEGATIVE_INFINITY].map((limit) => ({
        limit,
      })),
      ...[7, ['x'], {}, false].map((after) => ({ after })),
    ]
    for (const given of options) {
      const { error } = await refused((db) => list(db, given as Anything))
      expect([given, error]).toEqual([given, expect.objectContaining({ name: 'AppError', code: 'INVALID' })])
    }
  },
)

test('search takes no words, limit and context that mean nothing', async () => {
  for (const words of [undefined, null, 7, ['zebra'], {}]) {
    const { error } = await refused((db) => library.searchChatMessages(db, words as Anything))
    expect([words, error]).toEqual([words, expect.objectContaining({ code: 'INVALID' })])
  }
  for (const size of [Number.NaN, -1, 2.5, '3', {}, 1n]) {
    for (const options of [{ limit: size }, { context: size }]) {
      const { error } = await refused((db) => library.searchChatMessages(db, 'zebra', options as Anything))
      expect([options, error]).toEqual([options, expect.objectContaining({ code: 'INVALID' })])
    }
  }
})

test('options are an object, and an execution ends in one of its three ways', async () => {
  for (const options of [null, 7, 'id', ['id']]) {
    for (const select of [LISTS.sessions, SELECTING.search]) {
      const { error } = await refused((db) => select?.(db, options as Anything) ?? Promise.resolve())
      expect([options, error]).toEqual([options, expect.objectContaining({ code: 'INVALID' })])
    }
  }
  for (const status of ['running', 'constructor', undefined, null, 7]) {
    const { error } = await refused((db) => library.endAgentExecution(db, mine, status as Anything))
    expect(error).toMatchObject({ code: 'INVALID', hint: expect.stringContaining('cancelled') })
  }
})

test('an export takes no sessions that are no list of ids, and leaves nothing', async () => {
  for (const sessions of ['', 'all', 0, 7, {}, new Set(['x']), [7], [undefined]]) {
    const { error } = await refused((db) => library.exportConversations(db, out, { sessions } as Anything))
    expect([sessions, error]).toEqual([sessions, expect.objectContaining({ code: 'INVALID' })])
  }
  await opened((db) => library.exportConversations(db, out, { where: { title: 'mine' } }))
})

test.each<[name: string, work: (db: library.Database, named: Anything) => Promise<unknown>]>([
  ['get', (db, named) => library.getChatSession(db, named)],
  ['update', (db, named) => library.updateChatSession(db, named, { title: 'x' })],
  ['delete', (db, named) => library.deleteChatSession(db, named)],
  ['end', (db, named) => library.endAgentExecution(db, named, 'failed')],
  ['set', (db, named) => library.setSetting(db, named, 'x')],
  [
    'a reference',
    (db, named) => library.createChatMessage(db, { session_id: named, role: 'user', content: 'x' }),
  ],
])('%s takes no id that is no text', async (_name, work) => {
  for (const named of [undefined, null, 7, ['x'], {}, 1n, Number.NaN, new Date()]) {
    const { error } = await refused((db) => work(db, named as Anything))
    expect([named, error]).toEqual([named, expect.objectContaining({ name: 'AppError', code: 'INVALID' })])
  }
})

test.each<[name: string, work: (db: library.Database, fields: Anything) => Promise<unknown>]>([
  ['create', (db, fields) => library.createChatSession(db, fields)],
  ['create several', (db, fields) => library.createChatSessions(db, [fields])],
  ['create executions', (db, fields) => library.createAgentExecution(db, fields)],
  ['create messages', (db, fields) => library.createChatMessage(db, fields)],
  ['update', (db, fields) => library.updateChatSession(db, mine, fields)],
])('%s takes only fields that there are, as own members', async (_name, work) => {
  const given: unknown[] = [
    ...INJECTIONS.map((name) => JSON.parse(`{"title": "x", ${JSON.stringify(name)}: "y"}`)),
    ...[undefined, null, 7, 'title', ['title'], new Map([['title', 'x']]), Object.create({ title: 'x' })],
    ...[[], {}, 7, 1n, () => 1, new Date(), Symbol('x')].map((title) => ({ title })),
  ]
  for (const fields of given) {
    const { error } = await refused((db) => work(db, fields as Anything))
    expect([fields, error]).toEqual([fields, expect.objectContaining({ name: 'AppError', code: 'INVALID' })])
  }
  expect(await opened((db) => library.getChatSession(db, mine))).toMatchObject({ title: 'mine' })
})

test('several records are a list', async () => {
  for (const inputs of [undefined, null, 7, 'x', { title: 'x' }, new Set([{ title: 'x' }])]) {
    const { error } = await refused((db) => library.createChatSessions(db, inputs as Anything))
    expect([inputs, error]).toEqual([inputs, expect.objectContaining({ code: 'INVALID' })])
  }
})

test.each<[name: string, options: object]>([
  ['from', { from: 'constructor' }],
  ['onConflict', { onConflict: 'overwrite' }],
  ['branches', { branches: true }],
  ['include', { include: new Set(['reasoning', 'everything']) }],
  ['include', { include: ['tools'] }],
  ['include', { include: null }],
  ['timeZone', { timeZone: 'Nowhere/Land' }],
])('an import takes no %s that there is not: %j', async (name, options) => {
  const { error } = await refused((db) => library.importConversations(db, out, options as Anything))
  expect(error).toMatchObject({ code: 'INVALID', message: expect.stringContaining(name) })
})

test('what a query of the caller binds is refused in the same way', async () => {
  for (const value of [{}, 1n, Number.NaN, undefined, new Date()]) {
    const { error } = await refused((db) =>
      db.read((reader) =>
        library
          .queryBuilder(reader)
          .selectFrom('settings')
          .selectAll()
          .where('key', '=', value as Anything)
          .execute(),
      ),
    )
    expect([value, error]).toEqual([value, expect.objectContaining({ code: 'INVALID' })])
  }
})

test('what selects stays what it was', () =>
  opened(async (db) => {
    const titles = async (options: library.ListOptions) =>
      (await rowsOf(library.listChatSessions(db, options))).map(({ title }) => title)
    expect(await titles({ where: { title: 'mine', agent_id: null, is_archived: false } })).toEqual(['mine'])
    expect(await titles({ where: Object.assign(Object.create(null), { id: mine }) })).toEqual(['mine'])
    expect(await titles({ where: { title: '1=1) OR (1' } })).toEqual([])
    expect(await titles({ sort: '-title', limit: Number.POSITIVE_INFINITY })).toEqual(['not mine', 'mine'])
    expect(await titles({ sort: 'title', limit: 1 })).toEqual(['mine'])
    expect(await titles({ limit: 0 })).toEqual([])
    // Beyond the years that a timestamp can hold, they are before or after everything.
    expect(await titles({ since: new Date(8.64e15) })).toEqual([])
    expect(await titles({ since: new Date(-8.64e15), until: new Date(8.64e15) })).toHaveLength(2)
    expect(await titles({ until: new Date(-8.64e15) })).toEqual([])
    const found = await library.searchChatMessages(db, 'zebra', { where: { session_id: mine }, context: 1 })
    expect(found).toMatchObject([{ session_id: mine, context: [{ content: 'a zebra' }] }])
    expect(await library.searchChatMessages(db, 'zebra', { limit: Number.POSITIVE_INFINITY })).toHaveLength(2)
    expect(await library.searchChatMessages(db, 'zebra', { since: new Date(8.64e15) })).toEqual([])
  }))
