import { join } from 'node:path'
import * as library from '../../src/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'

async function opened<T>(work: (db: library.Database) => Promise<T>): Promise<T> {
  const place = { path: join(temporaryFolder(), 'a.db'), key: 'pass phrase' }
  await library.initDatabase(place)
  return library.withDatabase({ ...place, access: 'write' }, work)
}

const rowsOf = async <Row>(pages: AsyncGenerator<Row[]>): Promise<Row[]> => {
  const rows: Row[] = []
  for await (const page of pages) rows.push(...page)
  return rows
}

test('every verb of every entity, with typed records', () =>
  opened(async (db) => {
    const agent = await library.createAgent(db, {
      name: 'Ada',
      model_name: 'm',
      metadata: { tools: ['web'] },
    })
    expect(agent).toMatchObject({ temperature: 0.7, is_active: true, metadata: { tools: ['web'] } })
    const session = await library.createChatSession(db, { title: 'chat', agent_id: agent.id })
    const message = await library.createChatMessage(db, {
      session_id: session.id,
      role: 'user',
      content: 'hello there',
    })
    const run = await library.createAgentExecution(db, { agent_id: agent.id, input: 'go' })
    await library.setSetting(db, 'mine', '1')

    expect(await library.getAgent(db, agent.id)).toEqual(agent)
    expect(await library.getChatMessage(db, message.id)).toEqual(message)
    expect((await library.getSetting(db, 'mine')).value).toBe('1')
    expect(await rowsOf(library.listChatMessages(db, { where: { role: 'user' } }))).toEqual([message])
    expect(await rowsOf(library.listSettings(db))).toHaveLength(7)
    expect((await library.updateAgent(db, agent.id, { is_active: false, description: null })).is_active).toBe(
      false,
    )
    expect((await library.updateChatMessage(db, message.id, { content: 'goodbye' })).content).toBe('goodbye')
    expect((await library.endAgentExecution(db, run.id, 'failed', { error_message: 'x' })).status).toBe(
      'failed',
    )
    expect((await library.searchChatMessages(db, 'goodbye'))[0]).toMatchObject({ id: message.id })
    expect(await library.deleteAgent(db, agent.id)).toEqual({
      deleted: 1,
      cascaded: { agent_executions: 1 },
      unlinked: { chat_sessions: 1 },
    })
    expect(await library.deleteChatSession(db, session.id)).toMatchObject({ cascaded: { chat_messages: 1 } })
    expect(await library.deleteSetting(db, 'mine')).toMatchObject({ deleted: 1 })
    expect(await library.getDatabaseStats(db)).toMatchObject({
      total_messages: 0,
      total_agents: 0,
      total_settings: 6,
    })
    expect(await library.verifySchema(db)).toMatchObject({ valid: true })
  }))

test('list, update and delete of what the test above leaves out', () =>
  opened(async (db) => {
    const agents = await library.createAgents(db, [
      { name: 'a', model_name: 'm' },
      { name: 'b', model_name: 'm' },
    ])
    expect(await rowsOf(library.listAgents(db, { sort: '-name' }))).toEqual([...agents].reverse())
    const [session] = await library.createChatSessions(db, [{ title: 's' }])
    const id = session?.id as string
    expect(await library.updateChatSession(db, id, { is_archived: true })).toMatchObject({
      is_archived: true,
    })
    expect(await rowsOf(library.listChatSessions(db, { where: { is_archived: true } }))).toHaveLength(1)
    const [message] = await library.createChatMessages(db, [{ session_id: id, role: 'user', content: 'x' }])
    expect(await library.deleteChatMessage(db, message?.id as string)).toMatchObject({ deleted: 1 })
    const [run] = await library.createAgentExecutions(db, [
      { agent_id: agents[0]?.id as string, input: 'go' },
    ])
    const runId = run?.id as string
    expect(await library.updateAgentExecution(db, runId, { output: 'x' })).toMatchObject({ output: 'x' })
    expect(await library.getAgentExecution(db, runId)).toMatchObject({ output: 'x', status: 'running' })
    expect(await rowsOf(library.listAgentExecutions(db, { where: { status: 'running' } }))).toHaveLength(1)
    expect(await library.deleteAgentExecution(db, runId)).toMatchObject({ deleted: 1 })
    await library.createSetting(db, { key: 'k', value: 'v' })
    expect(await library.updateSetting(db, 'k', { value: 'w' })).toMatchObject({ value: 'w' })
  }))

test('null is a value: it is stored, and not replaced by what a new record has otherwise', () =>
  opened(async (db) => {
    const { id } = await library.createAgent(db, { name: 'a', model_name: 'm', temperature: null })
    expect(await library.getAgent(db, id)).toMatchObject({ temperature: null, is_active: true })
  }))

test('a batch is one transaction: all of it, in order, or nothing', () =>
  opened(async (db) => {
    const { id } = await library.createChatSession(db, { title: 'chat' })
    const inputs = Array.from({ length: 1234 }, (_, index) => ({
      session_id: id,
      role: 'user' as const,
      content: `m${index}`,
    }))
    const made = await library.createChatMessages(db, inputs)
    expect(await rowsOf(library.listChatMessages(db))).toEqual(made)
    expect(made.map(({ content }) => content)).toEqual(inputs.map(({ content }) => content))
    for (const broken of [{ content: '\ud800' }, { role: 'robot' as 'user' }, { session_id: 'nowhere' }]) {
      const more = [...inputs, { ...inputs[0], ...broken } as (typeof inputs)[0]]
      await expect(library.createChatMessages(db, more)).rejects.toMatchObject({ code: 'INVALID' })
    }
    expect((await library.getDatabaseStats(db)).total_messages).toBe(1234)
  }))

test('a full disk in the middle of a batch leaves nothing half-written', () =>
  opened(async (db) => {
    const { id } = await library.createChatSession(db, { title: 'chat' })
    // SQLite's own limit on the size of the file: it answers with the same SQLITE_FULL as a disk that is
    // full.
    await db.exclusively((writer) => writer.get('PRAGMA max_page_count = 60'))
    const inputs = Array.from({ length: 500 }, () => ({
      session_id: id,
      role: 'user' as const,
      content: 'x'.repeat(5000),
    }))
    await expect(library.createChatMessages(db, inputs)).rejects.toMatchObject({ code: 'IO' })
    expect((await library.getDatabaseStats(db)).total_messages).toBe(0)
    expect(await library.getChatSession(db, id)).toMatchObject({ title: 'chat' })
  }))

test.each([
  ['a field that does not exist', { title: 't', colour: 'red' }, 'there is no field "colour"'],
  ['a value of another type', { title: 7 }, 'title must be text that is not blank'],
  ['half a surrogate pair', { title: '\udc00' }, 'half of a surrogate pair'],
  ['null where something is needed', { title: null }, 'title is required'],
  ['metadata that is an array', { title: 't', metadata: [] }, 'metadata must be a JSON object'],
  [
    'a time that does not exist',
    { title: 't', created_at: '2025-02-30T00:00:00Z' },
    'created_at must be a time that exists',
  ],
])('%s is refused', (_case, input, message) =>
  opened(async (db) => {
    const work = library.createChatSession(db, input as unknown as { title: string })
    await expect(work).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining(message) })
  }),
)

test('a NUL byte and 10 MB are stored as they are', () =>
  opened(async (db) => {
    const { id } = await library.createChatSession(db, { title: 'a\0b' })
    expect((await library.getChatSession(db, id)).title).toBe('a\0b')
    const content = `${'x'.repeat(10_000_000)}\0end`
    const message = await library.createChatMessage(db, { session_id: id, role: 'user', content })
    expect((await library.getChatMessage(db, message.id)).content).toBe(content)
  }))

test('the search survives compaction in place', () =>
  opened(async (db) => {
    const { id } = await library.createChatSession(db, { title: 'chat' })
    const made = await library.createChatMessages(
      db,
      [1, 2, 3].map((n) => ({ session_id: id, role: 'user' as const, content: `word${n}` })),
    )
    await library.deleteChatMessage(db, made[0]?.id as string)
    await db.exclusively((writer) => writer.exec('VACUUM'))
    expect((await library.searchChatMessages(db, 'word3')).map(({ content }) => content)).toEqual(['word3'])
    expect(await library.searchChatMessages(db, 'word1')).toEqual([])
  }))

test('exactly one key is asked for', async () => {
  expect(() => library.withDatabase({ path: 'x' }, async () => {})).toThrow('name one of key and keyFile')
  expect(() => library.withDatabase({ path: 'x', key: 'a', keyFile: 'b' }, async () => {})).toThrow(
    'name one of',
  )
})
