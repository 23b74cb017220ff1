import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fixture, keyFile, newDatabase, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf, finished, run, start } from '../helpers/run.ts'

type Json = Record<string, unknown>

let words: string[]
let folder: string
beforeAll(async () => {
  const made = await newDatabase()
  words = made.words
  folder = made.folder
})

const json = async (...command: string[]) => {
  const { stdout, stderr, code } = await runHere([...command, ...words, '--json'])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
const refused = async (...command: string[]) => errorOf(await runHere([...command, ...words, '--json']))
const makeSession = (title = 'a chat') => json('session', 'create', '--title', title)

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/
const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('session: create, get, update, archive, unarchive, list, delete', async () => {
  const made = await json(
    'session',
    'create',
    '--title',
    'Bread',
    '--model',
    'm1',
    '--metadata',
    '{"a":[1,{"b":null}]}',
  )
  expect(made).toEqual({
    id: expect.stringMatching(UUID_7),
    title: 'Bread',
    model_name: 'm1',
    agent_id: null,
    created_at: expect.stringMatching(TIME),
    updated_at: made.created_at,
    is_archived: false,
    metadata: { a: [1, { b: null }] },
  })
  expect(await json('session', 'get', made.id)).toEqual(made)
  const updated = await json('session', 'update', made.id, '--title', 'Rye', '--no-model')
  expect(updated).toMatchObject({ title: 'Rye', model_name: null, created_at: made.created_at })
  expect(updated.updated_at > made.updated_at).toBe(true)
  expect(await json('session', 'archive', made.id)).toMatchObject({ is_archived: true })
  const ids = async (...flags: string[]) =>
    (await json('session', 'list', ...flags)).map(({ id }: Json) => id)
  expect(await ids('--archived')).toContain(made.id)
  expect(await ids('--active')).not.toContain(made.id)
  expect(await ids()).toContain(made.id)
  expect(await json('session', 'unarchive', made.id)).toMatchObject({ is_archived: false })
  expect(await json('session', 'delete', made.id, '--yes')).toEqual({
    deleted: 1,
    cascaded: {},
    unlinked: {},
  })
  expect(await refused('session', 'get', made.id)).toMatchObject({ code: 'NOT_FOUND', exit: 5 })
})

test('message: its content from an option, a file, or standard input, exactly as it is; the chat is touched', async () => {
  const session = await makeSession()
  const text = ' two\nlines, "quotes", 👩‍👩‍👧, \u202eleft\u202c, zero\u200bwidth, \u001b[31mred, tab\t\n'
  const file = join(folder, 'text')
  writeFileSync(file, text)
  const flags = ['message', 'create', '--session', session.id, '--role', 'user']
  expect(await json(...flags, '--content-file', file)).toMatchObject({
    content: text,
    role: 'user',
    metadata: null,
  })
  const piped = await runHere([...flags, '--content-file', '-', ...words, '--json'], { input: text })
  expect(JSON.parse(piped.stdout).content).toBe(text)
  const last = await json(...flags, '--content', '-x')
  const touched = await json('session', 'get', session.id)
  expect(touched.updated_at).toBe(last.created_at)
  expect(
    (await json('message', 'list', '--session', session.id)).map(({ content }: Json) => content),
  ).toEqual([text, text, '-x'])
  expect(await json('message', 'update', last.id, '--content', 'y')).toMatchObject({
    content: 'y',
    created_at: last.created_at,
  })
  expect(await json('session', 'delete', session.id, '--yes')).toEqual({
    deleted: 1,
    cascaded: { chat_messages: 3 },
    unlinked: {},
  })
})

test('agent: defaults as in Phase 2.1, activate and deactivate, and what deleting one does to others', async () => {
  const agent = await json('agent', 'create', '--name', 'Ada', '--model', 'm', '--max-tokens', '100')
  expect(agent).toMatchObject({ temperature: 0.7, max_tokens: 100, is_active: true, description: null })
  expect(await json('agent', 'deactivate', agent.id)).toMatchObject({ is_active: false })
  expect((await json('agent', 'list', '--inactive')).map(({ id }: Json) => id)).toEqual([agent.id])
  expect(await json('agent', 'activate', agent.id)).toMatchObject({ is_active: true })
  const session = await json('session', 'create', '--title', 'with Ada', '--agent', agent.id)
  await json('execution', 'start', '--agent', agent.id, '--session', session.id, '--input', 'go')
  expect(await json('agent', 'delete', agent.id, '--yes')).toEqual({
    deleted: 1,
    cascaded: { agent_executions: 1 },
    unlinked: { chat_sessions: 1 },
  })
  expect(await json('session', 'get', session.id)).toMatchObject({ agent_id: null })
})

test('setting: set makes and changes, and keeps the description', async () => {
  expect(await json('setting', 'set', 'theme', 'dark')).toMatchObject({
    key: 'theme',
    value: 'dark',
    description: expect.any(String),
  })
  expect(await json('setting', 'set', 'new_one', "it's")).toMatchObject({ value: "it's", description: null })
  expect(await json('setting', 'get', 'new_one', '--fields', 'value')).toEqual({ value: "it's" })
  expect(await json('setting', 'update', 'new_one', '--description', 'mine')).toMatchObject({
    description: 'mine',
  })
  expect(await json('setting', 'delete', 'new_one', '--yes')).toMatchObject({ deleted: 1 })
  expect((await json('setting', 'list')).map(({ key }: Json) => key)).not.toContain('new_one')
  expect(await refused('setting', 'create', '--key', 'theme', '--value', 'x')).toMatchObject({
    code: 'INVALID',
  })
})

test.each([
  ['session', ['--title', 't'], ['--title', 'changed'], { title: 'changed' }],
  [
    'message',
    ['--session', 'SESSION', '--role', 'user', '--content', 'c'],
    ['--content', 'changed'],
    { content: 'changed' },
  ],
  ['agent', ['--name', 'n', '--model', 'm'], ['--system-prompt', 'changed'], { system_prompt: 'changed' }],
  ['setting', ['--key', 'k', '--value', 'v'], ['--value', 'changed'], { value: 'changed' }],
  ['execution', ['--agent', 'AGENT', '--input', 'i'], ['--error', 'changed'], { error_message: 'changed' }],
])('%s has every verb', async (entity, create, update, expected) => {
  const ids: Record<string, string> = {
    SESSION: (await makeSession()).id,
    AGENT: (await json('agent', 'create', '--name', 'a', '--model', 'm')).id,
  }
  const made = await json(entity, 'create', ...create.map((word) => ids[word] ?? word))
  const key = made.id ?? made.key
  expect(await json(entity, 'get', key)).toEqual(made)
  expect(await json(entity, 'list')).toContainEqual(made)
  expect(await json(entity, 'update', key, ...update)).toMatchObject(expected)
  expect(await json(entity, 'delete', key, '--yes')).toMatchObject({ deleted: 1 })
  expect(await refused(entity, 'get', key)).toMatchObject({ code: 'NOT_FOUND' })
})

test.each([
  ['complete', ['--result', 'done'], { status: 'completed', output: 'done', error_message: null }],
  ['fail', ['--error', 'no model'], { status: 'failed', output: null, error_message: 'no model' }],
  ['cancel', [], { status: 'cancelled', output: null, error_message: null }],
])('execution: start, then %s once', async (verb, flags, expected) => {
  const agent = await json('agent', 'create', '--name', 'Ada', '--model', 'm')
  const begun = await json('execution', 'start', '--agent', agent.id, '--input', 'go')
  expect(begun).toMatchObject({
    status: 'running',
    completed_at: null,
    started_at: expect.stringMatching(TIME),
  })
  const ended = await json('execution', verb, begun.id, ...flags)
  expect(ended).toMatchObject({ ...expected, completed_at: expect.stringMatching(TIME) })
  expect(await refused('execution', 'cancel', begun.id)).toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('not running'),
  })
  expect((await json('execution', 'list', '--status', ended.status)).map(({ id }: Json) => id)).toContain(
    begun.id,
  )
})

test('an execution is never running and ended at once', async () => {
  const agent = await json('agent', 'create', '--name', 'Ada', '--model', 'm')
  const create = ['execution', 'create', '--agent', agent.id, '--input', 'go']
  expect(await json(...create)).toMatchObject({ status: 'running', completed_at: null })
  const failed = await json(...create, '--status', 'failed')
  expect(failed.completed_at).toBe(failed.started_at)
  expect(await refused('execution', 'update', failed.id, '--status', 'running')).toMatchObject({
    code: 'USAGE',
  })
})

test.each([
  ['a required value is missing', ['session', 'create'], 'session: title is required'],
  [
    'a required value is empty',
    ['session', 'create', '--title', ''],
    'session: title must be text that is not blank',
  ],
  [
    'a number is out of range',
    ['agent', 'create', '--name', 'a', '--model', 'm', '--temperature', '9'],
    'agent: temperature must be a number from 0 to 2',
  ],
  [
    'a number is none',
    ['agent', 'create', '--name', 'a', '--model', 'm', '--temperature', 'hot'],
    'agent: temperature must be',
  ],
  [
    'a number is NaN',
    ['agent', 'create', '--name', 'a', '--model', 'm', '--temperature', 'NaN'],
    'agent: temperature must be',
  ],
  [
    'an integer is above 2^53',
    ['agent', 'create', '--name', 'a', '--model', 'm', '--max-tokens', '9007199254740993'],
    'agent: max-tokens must be a whole number',
  ],
  [
    'an integer has a fraction',
    ['agent', 'create', '--name', 'a', '--model', 'm', '--max-tokens', '1.5'],
    'agent: max-tokens must be a whole number',
  ],
  [
    'a word is not one of those allowed',
    ['message', 'create', '--session', 'x', '--role', 'bot', '--content', 'c'],
    'message: role must be one of user, assistant, system',
  ],
  [
    'metadata is not JSON',
    ['session', 'create', '--title', 't', '--metadata', '{a}'],
    'session: metadata is not JSON',
  ],
  [
    'metadata is an array',
    ['session', 'create', '--title', 't', '--metadata', '[1]'],
    'session: metadata must be a JSON object',
  ],
  [
    'metadata has a number that a double would round',
    ['session', 'create', '--title', 't', '--metadata', '{"n":9007199254740993}'],
    'cannot be kept exactly',
  ],
  [
    'metadata is nested too deeply',
    ['session', 'create', '--title', 't', '--metadata', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
    'session: metadata is nested too deeply',
  ],
  [
    'a title is blank',
    ['session', 'create', '--title', '  '],
    'session: title must be text that is not blank',
  ],
  [
    'a number is written in hex',
    ['agent', 'create', '--name', 'a', '--model', 'm', '--temperature', '0x1'],
    'agent: temperature must be',
  ],
  ['a date does not exist', ['session', 'list', '--since', '2025-02-30'], '"2025-02-30" is not a time'],
  ['nothing is to be changed', ['session', 'update', 'abcdefgh'], 'session: nothing to change was given'],
])('a value is refused when %s, before the database is looked at', async (_case, command, message) => {
  const error = errorOf(await runHere([...command, '--db', '/nonexistent/a.db', '--json']))
  if (error.code === 'NO_DATABASE') throw new Error('the database was looked at first')
  expect(error).toMatchObject({ code: 'INVALID', exit: 6, message: expect.stringContaining(message) })
})

test('a reference that leads nowhere names the missing record', async () => {
  const missing = '01999999-0000-7000-8000-000000000000'
  for (const command of [
    ['message', 'create', '--session', missing, '--role', 'user', '--content', 'x'],
    ['session', 'create', '--title', 't', '--agent', missing],
    ['execution', 'start', '--agent', missing, '--input', 'x'],
  ]) {
    expect(await refused(...command)).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining(missing),
    })
  }
})

test('an unknown id names the nearest, an ambiguous beginning those it could be, and a good one works', async () => {
  const own = (await newDatabase()).words
  const get = async (id: string) => errorOf(await runHere(['session', 'get', id, ...own, '--json']))
  const make = async (title: string) =>
    JSON.parse((await runHere(['session', 'create', '--title', title, ...own, '--json'])).stdout)
  const first = await make('first')
  const second = await make('second')
  const nearby = `${first.id.slice(0, -1)}${first.id.endsWith('0') ? '1' : '0'}`
  expect(await get(nearby)).toMatchObject({
    code: 'NOT_FOUND',
    hint: expect.stringContaining(first.id),
  })
  let shared = 0
  while (first.id[shared] === second.id[shared]) shared++
  expect(shared).toBeGreaterThanOrEqual(8) // made within the same minute
  expect(await get(first.id.slice(0, shared))).toMatchObject({
    code: 'NOT_FOUND',
    hint: expect.stringContaining(second.id),
  })
  const { stdout } = await runHere(['session', 'get', first.id.slice(0, -2), ...own, '--json'])
  expect(JSON.parse(stdout).title).toBe('first')
  expect(await get('%')).toMatchObject({ code: 'NOT_FOUND' })
  expect(await get('0_______-')).toMatchObject({ code: 'NOT_FOUND' })
})

test('several are deleted together or not at all, and only with a yes', async () => {
  const [a, b] = [await makeSession('a'), await makeSession('b')]
  expect(await refused('session', 'delete', a.id, b.id)).toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('--yes'),
  })
  expect(await refused('session', 'delete', a.id, 'nothing-like-it', '--yes')).toMatchObject({
    code: 'NOT_FOUND',
  })
  expect((await json('session', 'get', a.id)).title).toBe('a')
  expect(await json('session', 'delete', a.id, b.id, a.id, '--yes')).toMatchObject({ deleted: 2 })
})

test.each([
  ["'); DROP TABLE chat_sessions; --"],
  ['100% _under_ \\ back'],
  ['"; SELECT 1; --'],
  ['שלום \u202e evil \u0007'],
  ['--title'],
])('a title may be %j', async (title) => {
  const made = await json('session', 'create', `--title=${title}`)
  expect((await json('session', 'get', made.id)).title).toBe(title)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect((await runHere(['session', 'get', made.id, ...words])).stdout).not.toMatch(/[\u0007\u202e]/)
})

test('a content of 10 MB comes back whole', async () => {
  const session = await makeSession()
  const file = join(folder, 'large')
  writeFileSync(file, 'äöü 0123456789\n'.repeat(625_000))
  const made = await json(
    'message',
    'create',
    '--session',
    session.id,
    '--role',
    'assistant',
    '--content-file',
    file,
  )
  expect((await json('message', 'get', made.id)).content).toBe(readFileSync(file, 'utf8'))
})

test('standard input is one thing only', async () => {
  const flags = [
    'message',
    'create',
    '--session',
    'x',
    '--role',
    'user',
    '--content-file',
    '-',
    '--key-file',
    '-',
  ]
  const result = await runHere([...flags, '--db', words[1] as string, '--json'], { input: 'something' })
  expect(errorOf(result)).toMatchObject({ code: 'USAGE', message: expect.stringContaining('read twice') })
})

test('bytes that are not UTF-8 are refused as content', async () => {
  const session = await makeSession()
  const { code, stderr } = await runHere(
    [
      'message',
      'create',
      '--session',
      session.id,
      '--role',
      'user',
      '--content-file',
      '-',
      ...words,
      '--json',
    ],
    { input: Buffer.from([0xff, 0x41]) },
  )
  expect({ code, error: JSON.parse(stderr).error.message }).toEqual({
    code: 6,
    error: 'standard input is not UTF-8 text',
  })
})

test('of two processes that update one row, both are heard', async () => {
  const { id } = await makeSession()
  const update = (flags: string[]) => finished(start(['session', 'update', id, ...flags, ...words]))
  await Promise.all([
    update(['--title', 'changed']),
    update(['--model', 'm9']),
    update(['--metadata', '{"x":1}']),
  ])
  expect(await json('session', 'get', id)).toMatchObject({
    title: 'changed',
    model_name: 'm9',
    metadata: { x: 1 },
  })
})

describe('on a database of another program', () => {
  const sample = () => ['--db', fixture('phase21-passphrase.sqlcipher4.db'), '--key-file', keyFile()]
  const rows = async (flags: string[], ...command: string[]) =>
    (await runHere([...command, ...flags, '--ndjson'])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  test('its rows are read, times in one form, and nothing is changed', async () => {
    const flags = sample()
    const before = snapshot(dirname(flags[1] as string))
    for (const [entity, count] of [
      ['session', 40],
      ['message', 226],
      ['agent', 3],
      ['execution', 20],
      ['setting', 6],
    ] as const) {
      const all = await rows(flags, entity, 'list')
      expect(all).toHaveLength(count)
      for (const row of all) expect(row.created_at ?? row.started_at).toMatch(TIME)
    }
    expect(snapshot(dirname(flags[1] as string))).toEqual(before)
  })

  test.each([
    ['message', 'created_at'],
    ['message', '-created_at'],
    ['message', 'model_name'],
    ['message', '-model_name'],
    ['session', 'agent_id'],
    ['session', '-is_archived'],
    ['agent', '-temperature'],
  ])('%s list --sort %s pages through every row once, ties and nulls included', async (entity, sort) => {
    const flags = sample()
    const all = await rows(flags, entity, 'list', '--sort', sort)
    const size = Math.ceil(all.length / 4)
    const paged: Json[] = []
    while (paged.length < all.length) {
      const after = paged.length ? ['--after', String(paged.at(-1)?.id)] : []
      paged.push(...(await rows(flags, entity, 'list', '--sort', sort, '--limit', String(size), ...after)))
    }
    expect(paged).toEqual(all)
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  })

  test('filters by time see all forms of time', async () => {
    const flags = sample()
    await runHere([
      'query',
      "UPDATE chat_messages SET created_at = '2025-07-01 00:00:00' WHERE rowid = 1",
      '--write',
      ...flags,
    ])
    const all = await rows(flags, 'message', 'list')
    const since = await rows(flags, 'message', 'list', '--since', '2025-07-01')
    const until = await rows(flags, 'message', 'list', '--until', '2025-07-01T00:00:00Z')
    expect(since.length + until.length).toBe(all.length)
    expect(since.every(({ created_at }) => created_at >= '2025-07-01')).toBe(true)
    expect(since.some(({ created_at }) => created_at === '2025-07-01T00:00:00.000000+00:00')).toBe(true)
  })

  test.each([
    ['session', 'update', 'nosuchid', '--title', 'x'],
    ['session', 'delete', 'nosuchid', '--yes'],
    ['setting', 'create', '--key', 'theme', '--value', 'x'],
    ['execution', 'complete', 'nosuchid'],
    ['query', '--write', 'INSERT INTO settings (key, value) SELECT key, value FROM settings'],
  ])('what is refused changes no byte: %s %s', async (...command) => {
    const flags = sample()
    const before = snapshot(dirname(flags[1] as string))
    errorOf(await runHere([...command, ...flags, '--json']))
    expect(snapshot(dirname(flags[1] as string))).toEqual(before)
  })

  test('numbers that a double would round come as text', async () => {
    const flags = sample()
    const sql = `UPDATE agents SET max_tokens = 9007199254740993, metadata = '{"n":9007199254740993}'`
    await runHere(['query', sql, '--write', ...flags])
    const [agent] = await rows(flags, 'agent', 'list')
    expect(agent).toMatchObject({ max_tokens: '9007199254740993', metadata: '{"n":9007199254740993}' })
  })

  test('a table goes on past its first page, and cuts what is very long', async () => {
    const flags = sample()
    const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO chat_messages
      (id, session_id, role, content, created_at)
      SELECT 'extra' || i, (SELECT id FROM chat_sessions), 'user', hex(zeroblob(5000)), datetime(1800000000 + i, 'unixepoch') FROM n`
    await runHere(['query', fill, '--write', ...flags])
    const lines = (await runHere(['message', 'list', ...flags])).stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(1 + 226 + 1500)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(300)
  })

  test('an old agent whose metadata is an array is read as it is', async () => {
    const flags = sample()
    await runHere([
      'query',
      `UPDATE agents SET metadata = '["web","code"]' WHERE rowid = 1`,
      '--write',
      ...flags,
    ])
    expect((await rows(flags, 'agent', 'list')).some(({ metadata }) => Array.isArray(metadata))).toBe(true)
  })

  test('prune tells what would go, and then deletes just that', async () => {
    const flags = sample()
    const prune = ['session', 'prune', '--before', '2025-06-20', ...flags, '--json']
    const before = snapshot(dirname(flags[1] as string))
    const told = JSON.parse((await runHere([...prune, '--dry-run'])).stdout)
    expect(told).toMatchObject({ dry_run: true, deleted: expect.any(Number) })
    expect(snapshot(dirname(flags[1] as string))).toEqual(before)
    const { dry_run, ...expected } = told
    expect(JSON.parse((await runHere([...prune, '--yes'])).stdout)).toEqual(expected)
    expect(await rows(flags, 'session', 'list')).toHaveLength(40 - expected.deleted)
    expect(await rows(flags, 'message', 'list')).toHaveLength(226 - (expected.cascaded.chat_messages ?? 0))
  })

  test('a table that is missing is said to be missing', async () => {
    const flags = ['--db', fixture('drifted.sqlcipher4.db'), '--key-file', keyFile()]
    expect(errorOf(await runHere(['execution', 'list', ...flags, '--json']))).toMatchObject({
      code: 'CHECK_FAILED',
      message: expect.stringContaining('agent_executions'),
    })
  })
})

test('lists in every format: empty, and through a pipe that closes', async () => {
  const made = await newDatabase()
  const empty = async (format: string) =>
    (await runHere(['session', 'list', ...made.words, '-o', format])).stdout
  expect(await empty('json')).toBe('[]\n')
  expect(await empty('ndjson')).toBe('')
  expect(await empty('csv')).toBe('id,title,model_name,agent_id,created_at,updated_at,is_archived,metadata\n')
  expect(await empty('table')).toBe('(none)\n')
})

test('times are local for people and UTC for programs', async () => {
  const { id } = await makeSession()
  const shown = await run(['session', 'get', id, ...words], { env: { TZ: 'Asia/Kathmandu' } })
  const [, local = ''] = /created_at +(\S+ \S+)/.exec(shown.stdout) ?? []
  const utc = (await json('session', 'get', id)).created_at
  const minutes = (Date.parse(`${local.replace(' ', 'T')}Z`) - Date.parse(utc)) / 60_000
  expect(Math.round(minutes)).toBe(5 * 60 + 45)
})

test('rows stream with flat memory', async () => {
  const target = join(temporaryFolder(), 'out')
  const made = await newDatabase()
  const session = JSON.parse(
    (await runHere(['session', 'create', '--title', 't', ...made.words, '--json'])).stdout,
  )
  const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
    INSERT INTO chat_messages (id, session_id, role, content, created_at)
    SELECT 'm' || i, '${session.id}', 'user', hex(zeroblob(1000)), datetime(1700000000 + i, 'unixepoch') FROM n`
  expect((await runHere(['query', fill, '--write', ...made.words])).code).toBe(0)
  // 80 MB of rows under a limit of the JavaScript heap that could not hold them.
  const { spawnSync } = await import('node:child_process')
  const { PROGRAM, cleanEnvironment } = await import('../helpers/run.ts')
  const { status } = spawnSync(
    '/bin/sh',
    [
      '-c',
      '"$0" --max-old-space-size=40 "$1" message list --ndjson --db "$2" --key-file "$3" > "$4"',
      process.execPath,
      PROGRAM,
      made.db,
      made.key,
      target,
    ],
    { env: cleanEnvironment() },
  )
  expect(status).toBe(0)
  expect(readFileSync(target, 'utf8').split('\n')).toHaveLength(40_001)
})
