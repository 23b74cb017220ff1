import {
  isLibreOllama,
  libreOllamaEra,
  readLibreOllama,
} from '../../../src/core/transfer/readers/libreollama/libreollama.ts'
import { collect, readForeign, said, withFixture, withForeign } from '../../helpers/foreign.ts'
import { ERA_A, ERA_B, ERA_C, ERA_D, ERA_E, WRECK } from '../../helpers/libreollama-eras.ts'
import { rowsOf } from '../../helpers/rows.ts'

const read = (script: string, timeZone = 'America/New_York') =>
  readForeign(script, (connection) => readLibreOllama(connection, { timeZone }))

describe('the era is told by the columns', () => {
  test.each([
    ['A', ERA_A],
    ['B', ERA_B],
    ['C', ERA_C],
    ['D', ERA_D],
    ['E', ERA_E],
    ['wreck', WRECK],
  ])('%s', async (era, script) => {
    await withForeign(script, async (connection) => {
      expect(await libreOllamaEra(connection)).toBe(era)
      expect(await isLibreOllama(connection)).toBe(true)
    })
  })

  test.each([
    ['an empty database', 'SELECT 1'],
    ['another program with chats', 'CREATE TABLE chat_sessions (id TEXT, title TEXT, created_at TEXT)'],
    [
      'a view that looks like the table',
      `${ERA_C} ALTER TABLE chat_sessions RENAME TO s; CREATE VIEW chat_sessions AS SELECT * FROM s`,
    ],
    [
      'a version number alone',
      'CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (8)',
    ],
  ])('%s is none of them', async (_case, script) => {
    await withForeign(script, async (connection) => expect(await isLibreOllama(connection)).toBe(false))
    await expect(read(script)).rejects.toMatchObject({ code: 'INVALID' })
  })
})

test('a database that lost its chats is refused with the reason and the way out', async () => {
  await expect(read(WRECK)).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('dropped'),
    hint: expect.stringContaining('backup'),
  })
})

test('an unknown time zone is refused', async () => {
  await expect(read(ERA_D, 'Mars/Base')).rejects.toMatchObject({
    code: 'INVALID',
    message: '"Mars/Base" is not a time zone',
  })
})

test.each([
  ['A', ERA_A],
  ['B', ERA_B],
  ['C', ERA_C],
  ['D', ERA_D],
  ['E', ERA_E],
])(
  'era %s gives agents before chats before their runs before settings, and no secret',
  async (_era, script) => {
    const all = await read(script)
    const order = all.order.filter((kind) => kind !== 'refused')
    expect(order).toEqual([...order].sort()) // the words happen to be in this order
    expect(all.agents.length).toBeGreaterThan(0)
    expect(JSON.stringify(all)).not.toContain('canary')
  },
)

describe('era A', () => {
  test('a chat keeps its id, model, agent, state, metadata and extras', async () => {
    const { conversations } = await read(ERA_A)
    expect(conversations[0]).toMatchObject({
      id: 's-1',
      title: 'First',
      model_name: 'llama2',
      agent_id: 'agent-1',
      is_archived: true,
      created_at: '2025-06-05T20:22:06.123456+00:00',
      updated_at: '2025-06-05T20:30:00.000000+00:00',
      metadata: { tags: ['a'], pinned: true, system_message: 'be kind', template_id: 'tpl' },
      current: 'm-c',
    })
  })

  test('a missing agent, an empty title, metadata that is no JSON and an offset are understood', async () => {
    const { conversations } = await read(ERA_A)
    expect(conversations[1]).toEqual({
      id: 's-2',
      title: null,
      model_name: null,
      agent_id: null,
      is_archived: false,
      created_at: '2025-06-05T22:00:00.500000+00:00',
      updated_at: '2025-06-06T00:00:00.000000+00:00',
      metadata: { source_metadata: 'not json' },
      nodes: [],
      current: null,
    })
  })

  test('messages are a chain in the order of their times, whatever form those have', async () => {
    const { conversations } = await read(ERA_A)
    const nodes = conversations[0]?.nodes ?? []
    expect(nodes.map(({ id, parent, role }) => [id, parent, role])).toEqual([
      ['m-z', null, 'user'],
      ['m-b', 'm-z', 'user'],
      ['m-c', 'm-b', 'assistant'],
    ])
    expect(nodes[2]).toMatchObject({
      model_name: 'llama2',
      parts: [{ kind: 'text', text: 'three' }],
      metadata: { tokens: 3, response_time_ms: 1200, token_count: 7, cached: true },
    })
    expect(nodes.slice(0, 2).map(({ metadata }) => metadata)).toEqual([{}, {}])
  })

  test("an agent's array of tools becomes an object", async () => {
    const { agents } = await read(ERA_A)
    expect(agents).toEqual([
      {
        id: 'agent-1',
        name: 'Coder',
        description: 'writes',
        model_name: 'codellama',
        system_prompt: 'be brief',
        temperature: 0.2,
        max_tokens: 100,
        is_active: false,
        created_at: '2025-06-05T20:22:06.000000+00:00',
        updated_at: '2025-06-05T20:22:07.000000+00:00',
        metadata: { tools: ['search', 'files'] },
      },
    ])
  })

  test('settings come with their descriptions, preferences beside them under a prefix', async () => {
    const { settings } = await read(ERA_A)
    expect(settings).toEqual([
      { key: 'theme', value: 'system', description: 'the look' },
      { key: 'default_model', value: 'llama2', description: null },
      { key: 'preference.theme', value: 'dark', description: 'theme of the window' },
      { key: 'preference.size', value: '12', description: 'number' },
    ])
  })

  test('what is imported is the record that a copy of the file has, with what it says of where it came from', async () => {
    const id = (digit: number) => `${digit}0000000-0000-4000-8000-000000000000`
    const { conversations } = await read(
      `${ERA_A} UPDATE chat_sessions SET id = '${id(1)}', metadata = '{"source":"claude","tags":[]}' WHERE id = 's-1';
       UPDATE chat_messages SET session_id = '${id(1)}'; UPDATE chat_messages SET id = '${id(2)}' WHERE id = 'm-z'`,
    )
    const { session, messages } = rowsOf(conversations[0] as never, { source: 'libreollama' })
    expect(session).toMatchObject({ id: id(1), metadata: { source: 'claude', source_id: id(1), tags: [] } })
    expect(messages.map((message) => message.id === id(2))).toEqual([true, false, false])
    expect(messages[0]?.metadata).toEqual({ source: 'libreollama', source_id: id(2) })
  })

  test('numbers in metadata that would change are kept as they are written', async () => {
    const big = '{"big":12345678901234567890}'
    const { conversations } = await read(
      `${ERA_A} UPDATE chat_sessions SET metadata = '${big}'; UPDATE chat_messages SET metadata = '${big}'`,
    )
    expect(conversations[0]?.metadata.source_metadata).toBe(big)
    expect(conversations[0]?.nodes[0]?.metadata.source_metadata).toBe(big)
  })

  test('a Phase 2.1 file that has none of the later columns is read', async () => {
    const all = await withFixture('phase21-v1-plaintext.db', (connection) =>
      collect(readLibreOllama(connection, { timeZone: 'UTC' })),
    )
    expect(all.conversations).toHaveLength(40)
    expect(all.conversations.flatMap(({ nodes }) => nodes)).toHaveLength(226)
    expect([all.agents.length, all.settings.length, all.refused.length]).toEqual([3, 6, 0])
  })
})

describe('eras B and C', () => {
  test.each([
    ['B', ERA_B],
    ['C', ERA_C],
  ])('era %s wrote local time: it is converted, and the assumption is noted', async (era, script) => {
    const { conversations } = await read(script)
    expect(conversations[0]).toMatchObject({
      title: 'Summer',
      agent_id: null,
      is_archived: false,
      metadata: { source_era: era, source_id: 1, user_id: 'someone', source_timezone: 'America/New_York' },
    })
    expect(conversations[0]?.created_at?.slice(10, 16)).toBe('T14:00')
    expect(conversations[1]?.created_at).toBe('2025-01-20T15:00:00.000000+00:00')
  })

  test('messages of the same second keep their order; roles are recognised in any case', async () => {
    const { conversations } = await read(ERA_B)
    const nodes = conversations[0]?.nodes ?? []
    expect(conversations.map(said)).toEqual([
      ['user: same second, said first', 'system: same second, said second', 'user: later'],
      ['user: elsewhere'],
    ])
    expect(nodes.map(({ metadata }) => metadata)).toEqual([{}, { source_role: 'narrator' }, {}])
  })

  test("an agent's model is looked for in its parameters", async () => {
    const { agents } = await read(ERA_B)
    expect(agents).toMatchObject([
      {
        name: 'Helper',
        model_name: 'mistral',
        temperature: 0.4,
        max_tokens: 64,
        is_active: true,
        created_at: '2025-06-20T14:00:00.000000+00:00',
        metadata: { capabilities: ['chat'], parameters: { model: 'mistral' } },
      },
      { name: 'Plain', model_name: 'default', description: null, temperature: null, is_active: false },
    ])
  })

  test('chats of two databases with the same number have different ids, the same chat always the same', async () => {
    const [one, again, other] = await Promise.all([read(ERA_B), read(ERA_B, 'UTC'), read(ERA_C)])
    expect(one.conversations[0]?.id).toBe(again.conversations[0]?.id)
    expect(one.conversations[0]?.id).not.toBe(other.conversations[0]?.id)
  })
})

describe('eras D and E', () => {
  test('without a time of its own, a chat is told from that of another database by how it began', async () => {
    const from = async (sql: string, timeZone?: string) =>
      (await read(`${ERA_D} UPDATE chat_sessions SET created_at = NULL; ${sql}`, timeZone)).conversations[0]
        ?.id
    const one = await from('')
    expect(one).not.toBe(await from("UPDATE chat_messages SET content = 'another' WHERE session_id = 1"))
    expect(one).not.toBe(await from("UPDATE chat_messages SET created_at = '2024-01-01 00:00:00'"))
    const more = "INSERT INTO chat_messages (session_id, role, content) VALUES (1, 'user', 'and more')"
    expect(one).toBe(await from(`UPDATE chat_sessions SET session_name = 'renamed'; ${more}`, 'Asia/Tokyo'))
  })

  test('agents and runs without a time are told from those of another database too', async () => {
    const from = async (sql: string) => {
      const without =
        'UPDATE agents SET created_at = NULL; UPDATE agent_executions SET executed_at = NULL; UPDATE chat_sessions SET created_at = NULL;'
      const { agents, executions, conversations } = await read(`${ERA_D} ${without} ${sql}`)
      expect(executions[0]).toMatchObject({ agent_id: agents[0]?.id, session_id: conversations[0]?.id })
      return [agents[0]?.id, executions[0]?.id]
    }
    const one = await from('')
    expect(one).toEqual(await from(''))
    const other = await from("UPDATE agents SET name = 'Another'; UPDATE agent_executions SET input = 'x'")
    expect(one[0]).not.toBe(other[0])
    expect(one[1]).not.toBe(other[1])
  })

  test('whole seconds are UTC, fractions are local', async () => {
    const { conversations } = await read(ERA_D)
    expect(conversations[0]).toMatchObject({
      created_at: '2025-07-15T17:54:12.100000+00:00',
      updated_at: '2025-07-15T17:54:40.000000+00:00',
      metadata: { source_timezone: 'America/New_York', context_length: 4096 },
    })
    expect(conversations[1]?.created_at).toBe('2025-07-15T17:54:12.000000+00:00')
    expect(conversations[1]?.metadata).not.toHaveProperty('source_timezone')
  })

  test('the two message tables become one conversation in the order of their times', async () => {
    const { conversations } = await read(ERA_D)
    expect(said(conversations[0] as never)).toEqual([
      'user: local',
      'assistant: in UTC',
      'user: of the other table',
      'assistant: regenerated',
    ])
    expect(new Set(conversations[0]?.nodes.map(({ id }) => id)).size).toBe(4)
    expect(conversations[0]?.nodes.map(({ metadata }) => metadata)).toEqual([{}, { token_count: 9 }, {}, {}])
  })

  test('titles, state and agent are found, or left out', async () => {
    const { conversations, agents } = await read(ERA_D)
    expect(conversations.map(({ title, is_archived, agent_id }) => [title, is_archived, agent_id])).toEqual([
      ['Named', true, agents[0]?.id],
      [null, false, null],
      ['Only a title', false, null],
    ])
    expect(conversations[2]).toMatchObject({ id: '3', created_at: null })
  })

  test('a number that is too long to be read stays in the parameters as it is written', async () => {
    const parameters = '{"model":"phi","seed":12345678901234567890}'
    const { agents } = await read(`${ERA_D} UPDATE agents SET parameters = '${parameters}'`)
    expect(agents[0]).toMatchObject({ model_name: 'phi', metadata: { parameters } })
  })

  test("an agent's parameters win over the column that the app does not show", async () => {
    const { agents } = await read(ERA_D)
    expect(agents[0]).toMatchObject({ model_name: 'qwen3', temperature: 0.7, max_tokens: 2048 })
  })

  test('era E has the model and its provider', async () => {
    const { conversations } = await read(ERA_E)
    expect(conversations[0]).toMatchObject({ model_name: 'qwen3', metadata: { provider: 'ollama' } })
    expect(conversations[1]).toMatchObject({ model_name: null })
  })

  test('messages without their chat are refused, and told', async () => {
    const { refused } = await read(ERA_D)
    expect(refused.map(({ id, message }) => [id, message])).toEqual([
      ['99', 'there are messages of this chat, but not the chat'],
    ])
  })

  test("the app's current file is read, preferences with their type", async () => {
    const all = await withFixture('app-v14-plaintext.db', (connection) =>
      collect(readLibreOllama(connection, { timeZone: 'Europe/Berlin' })),
    )
    expect(all.conversations).toHaveLength(23)
    expect(all.conversations.flatMap(({ nodes }) => nodes)).toHaveLength(113)
    expect(all.agents).toHaveLength(2)
    expect(all.settings).toEqual([{ key: 'preference.theme', value: 'dark', description: 'string' }])
    expect(all.conversations[0]?.created_at).toBe('2025-08-04T07:00:00.040260+00:00')
  })
})
