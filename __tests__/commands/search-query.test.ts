import { readdirSync } from 'node:fs'
import { fixture, keyFile, newDatabase, snapshot } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf, run } from '../helpers/run.ts'

let words: string[]
let folder: string
let session: string
const say = async (role: string, content: string) =>
  JSON.parse(
    (
      await runHere([
        'message',
        'create',
        '--session',
        session,
        '--role',
        role,
        '--content',
        content,
        ...words,
        '--json',
      ])
    ).stdout,
  )

beforeAll(async () => {
  const made = await newDatabase()
  words = made.words
  folder = made.folder
  session = JSON.parse((await runHere(['session', 'create', '--title', 't', ...words, '--json'])).stdout).id
  await say('user', 'How do multi-agent systems work?')
  await say('assistant', 'Agents talk to each other. Crème brûlée is no agent.')
  await say('user', 'agent agent agent: count them')
  await say('assistant', 'C++ and "quoted" (things) 50% off * NEAR')
})

const search = async (...flags: string[]) =>
  JSON.parse((await runHere(['search', ...flags, ...words, '--json'])).stdout)
const contents = async (...flags: string[]) =>
  (await search(...flags)).map(({ content }: { content: string }) => content)

describe('search', () => {
  test('takes ordinary text literally', async () => {
    expect(await contents('multi-agent')).toEqual(['How do multi-agent systems work?'])
    for (const text of ['"quoted"', '(things)', '50%', 'NEAR', 'C++', 'off *'])
      expect(await contents(text)).toHaveLength(1)
    expect(await contents('agent AND nothing')).toEqual([])
    expect(await contents('creme brulee')).toHaveLength(1)
    expect(await contents('nothing like this')).toEqual([])
  })

  test('puts the best first, with a snippet that marks what matched', async () => {
    const hits = await search('agent')
    expect(hits[0]).toMatchObject({
      content: expect.stringContaining('agent agent agent'),
      snippet: expect.stringContaining('**agent**'),
    })
    expect(hits).toHaveLength(3)
    const table = await runHere(['search', 'systems', ...words, '--color', 'always'])
    expect(table.stdout).toContain('\u001b[1msystems')
  })

  test('filters as list does, and shows what is around', async () => {
    expect(await contents('agent', '--role', 'assistant')).toHaveLength(1)
    expect(await contents('agent', '--session', session, '--limit', '1')).toHaveLength(1)
    expect(await contents('agent', '--until', '2020-01-01')).toEqual([])
    const [hit] = await search('brûlée', '--context', '1')
    expect(hit.context.map(({ role }: { role: string }) => role)).toEqual(['user', 'assistant', 'user'])
  })

  test('follows changes and deletions', async () => {
    const { id } = await say('user', 'ephemeral platypus')
    expect(await contents('platypus')).toHaveLength(1)
    await runHere(['message', 'update', id, '--content', 'a wombat', ...words])
    expect([await contents('platypus'), await contents('wombat')]).toEqual([[], ['a wombat']])
    await runHere(['message', 'delete', id, '--yes', ...words])
    expect(await contents('wombat')).toEqual([])
  })

  test('survives what moves rows: a deletion of the chat, a copy, compaction', async () => {
    const made = await newDatabase()
    const own = (...command: string[]) => runHere([...command, ...made.words, '--json'])
    const chats: string[] = []
    for (const title of ['one', 'two', 'three']) {
      const { id } = JSON.parse((await own('session', 'create', '--title', title)).stdout)
      chats.push(id)
      await own('message', 'create', '--session', id, '--role', 'user', '--content', `the word ${title}`)
    }
    await own('session', 'delete', chats[0] as string, '--yes')
    const { backup } = JSON.parse((await own('migrate', 'redo')).stdout)
    for (const db of [made.db, backup]) {
      const found = await runHere([
        'search',
        'word',
        '--db',
        db,
        '--key-file',
        made.key,
        '--json',
        '--fields',
        'content',
      ])
      expect(
        JSON.parse(found.stdout)
          .map(({ content }: { content: string }) => content)
          .sort(),
      ).toEqual(['the word three', 'the word two'])
      expect((await runHere(['health', '--db', db, '--key-file', made.key])).code).toBe(0)
    }
  })

  test('--fts is raw syntax, and wrong syntax is said to be wrong', async () => {
    expect(await contents('--fts', 'agent NOT multi')).toHaveLength(2)
    expect(await contents('--fts', 'syst*')).toHaveLength(1)
    for (const wrong of ['agent AND (', '"', 'nope:x', '*']) {
      expect(errorOf(await runHere(['search', '--fts', wrong, ...words, '--json']))).toMatchObject({
        code: 'INVALID',
        exit: 6,
      })
    }
    expect(errorOf(await runHere(['search', '"" ()', ...words, '--json']))).toMatchObject({ code: 'INVALID' })
  })

  test('an index that missed something is found by health and mended by --rebuild', async () => {
    const made = await newDatabase()
    const own = (...command: string[]) => runHere([...command, ...made.words, '--json'])
    const chat = JSON.parse((await own('session', 'create', '--title', 't')).stdout).id
    await own('message', 'create', '--session', chat, '--role', 'user', '--content', 'lost and found')
    await own('query', 'DELETE FROM message_search_rows', '--write')
    expect((await own('health')).code).toBe(3)
    const found = await own('search', 'found', '--rebuild')
    expect(JSON.parse(found.stdout)).toHaveLength(1)
    expect((await own('health')).code).toBe(0)
  })

  test('a database of version 1 is told to be too old, with what to do', async () => {
    const flags = ['--db', fixture('phase21-passphrase.sqlcipher4.db'), '--key-file', keyFile()]
    expect(errorOf(await runHere(['search', 'rust', ...flags, '--json']))).toMatchObject({
      code: 'PENDING',
      exit: 4,
    })
    await runHere(['migrate', ...flags])
    expect(JSON.parse((await runHere(['search', 'rust', ...flags, '--json'])).stdout)).toHaveLength(20)
    expect(
      JSON.parse((await runHere(['search', 'rust', '--limit', '500', ...flags, '--json'])).stdout).length,
    ).toBeGreaterThan(20)
  })
})

describe('query', () => {
  const query = (...flags: string[]) => runHere(['query', ...flags, ...words])

  test('reads in every format, with named parameters', async () => {
    const sql = 'SELECT role, count(*) AS n FROM chat_messages WHERE role = :role GROUP BY role'
    expect((await query(sql, '-p', 'role=user', '--json')).stdout).toBe('[{"role":"user","n":2}]\n')
    expect((await query(sql, '--param', 'role=user', '--csv')).stdout).toBe('role,n\nuser,2\n')
    expect((await query("SELECT ';' AS a -- ; no end\n", '--json')).stdout).toBe('[{"a":";"}]\n')
    expect((await query('SELECT 1 WHERE 0', '--json')).stdout).toBe('[]\n')
    expect((await query('SELECT :v AS v', '-p', "v=it's = fine", '--json')).stdout).toBe(
      '[{"v":"it\'s = fine"}]\n',
    )
  })

  test.each([
    ['a change', 'DELETE FROM settings'],
    ['a change behind WITH', "WITH x AS (SELECT 1) INSERT INTO settings (key, value) SELECT 'a', 'b'"],
    ['a new table', 'CREATE TABLE t (a)'],
    ['another file', "ATTACH '/tmp/other.db' AS o KEY ''"],
    ['a copy', "VACUUM INTO 'copy.db'"],
    ['a new key', "PRAGMA rekey = 'x'"],
    ['a key with a schema', "PRAGMA main.key='x'"],
    ['a key in a comment', "/* x */ PRAGMA /* y */ rekey('x')"],
    ['a key behind EXPLAIN', "EXPLAIN PRAGMA rekey='x'"],
    [
      'a key behind EXPLAIN QUERY PLAN and a byte-order mark',
      "\uFEFFEXPLAIN QUERY PLAN PRAGMA main.rekey='x'",
    ],
    ['a key behind EXPLAIN that ends the engine', "EXPLAIN PRAGMA textrekey='61'"],
    ['a log file', "PRAGMA cipher_log='log.txt'"],
    ['a profile behind EXPLAIN', "EXPLAIN PRAGMA cipher_profile='log.txt'"],
    ['a key with spaces around the schema', "pragma main . rekey('x')"],
    ['a key with a comment in the schema', "pragma main/**/.rekey('x')"],
    ['a key in quotes', 'pragma "main"."rekey" = \'x\''],
    ['an argument without a name', 'SELECT ?'],
    ['a number that would be rounded', 'SELECT 9007199254740993 AS big'],
    ['a setting', 'PRAGMA user_version = 7'],
    ['a mode', 'PRAGMA journal_mode(delete)'],
    ['a checkpoint', 'PRAGMA wal_checkpoint(TRUNCATE)'],
    ['switching the guard off', 'PRAGMA query_only = OFF'],
    ['two statements', 'SELECT 1; DELETE FROM settings'],
    ['a transaction', 'BEGIN'],
    ['nothing', ' ; '],
    ['a mistake', 'SELEC 1'],
    ['a table that is not there', 'SELECT * FROM nope'],
    ['a parameter without a value', 'SELECT :a'],
  ])('%s is refused and changes nothing', async (_case, sql) => {
    const before = snapshot(folder)
    const error = errorOf(await run(['query', sql, ...words, '--json'], { cwd: folder }))
    expect([2, 6]).toContain(error.exit)
    expect(snapshot(folder)).toEqual(before)
  })

  test.each([
    "PRAGMA rekey = 'x'",
    "EXPLAIN PRAGMA rekey = 'x'",
    "pragma main . rekey('x')",
    "PRAGMA cipher_log = 'log.txt'",
    "ATTACH 'x' AS y",
    "VACUUM INTO 'x'",
    'PRAGMA writable_schema = ON',
    'PRAGMA wal_checkpoint(TRUNCATE)',
  ])('%s is refused with --write too', async (sql) => {
    expect(errorOf(await run(['query', sql, '--write', ...words, '--json'], { cwd: folder })).exit).toBe(6)
    expect(readdirSync(folder)).toEqual(['database.db', 'key'])
  })

  test('--write changes, tells how many rows, and keeps to constraints', async () => {
    const changed = await query(
      "UPDATE settings SET description = 'd' WHERE key IN ('theme', 'max_tokens')",
      '--write',
      '--json',
    )
    expect(changed.stdout).toBe('[{"changes":2}]\n')
    const broken = await runHere([
      'query',
      "INSERT INTO chat_messages (id, session_id, role, content) VALUES ('x', 'none', 'user', 'c')",
      '--write',
      ...words,
      '--json',
    ])
    expect(errorOf(broken)).toMatchObject({ code: 'INVALID' })
  })

  test('changes are those of the statement, without what triggers and cascades did', async () => {
    const made = await newDatabase()
    const own = async (sql: string) =>
      (await runHere(['query', sql, '--write', '--json', ...made.words])).stdout
    await own("INSERT INTO chat_sessions (id, title) VALUES ('s', 't')")
    const many = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
      INSERT INTO chat_messages (id, session_id, role, content) SELECT 'm' || i, 's', 'user', replace('x y', 'x', i) FROM n`
    expect(await own(many)).toBe('[{"changes":30}]\n')
    expect(await own("DELETE FROM chat_messages WHERE id = 'm1' RETURNING content")).toBe(
      '[{"content":"1 y"}]\n',
    )
    expect(await own('DELETE FROM chat_sessions')).toBe('[{"changes":1}]\n')
    expect(
      await own(
        'CREATE TRIGGER t AFTER INSERT ON settings BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 3; END',
      ),
    ).toBe('[{"changes":0}]\n')
  })

  test('columns of one name are all there, blobs are SQL, and words that are functions change nothing', async () => {
    const rows = async (sql: string, ...more: string[]) => (await query(sql, '--json', ...more)).stdout
    expect(await rows('SELECT 1 AS a, 2 AS a, 3 AS b')).toBe('[{"a":1,"a:1":2,"b":3}]\n')
    expect(await rows("SELECT x'00ff' AS b, replace('abc', 'b', '-') AS r")).toBe(
      '[{"b":"x\'00ff\'","r":"a-c"}]\n',
    )
    expect(await rows('SELECT :n + 1 AS n, typeof(@t) AS t', '-p', 'n=41', '-p', 't=041')).toBe(
      '[{"n":42,"t":"text"}]\n',
    )
    expect(JSON.parse(await rows('EXPLAIN QUERY PLAN SELECT * FROM agents'))).toHaveLength(1)
    expect(await rows('VALUES (3), (1), (2)')).toBe('[{"column1":3},{"column1":1},{"column1":2}]\n')
    const ordered = 'WITH n AS (SELECT key FROM settings) SELECT key FROM n ORDER BY key DESC LIMIT 2 -- end'
    expect(await rows(ordered)).toBe('[{"key":"theme"},{"key":"temperature"}]\n')
  })

  test('a parameter that the statement does not have is refused', async () => {
    expect(errorOf(await runHere(['query', 'SELECT 1', '-p', 'a=1', ...words, '--json']))).toMatchObject({
      code: 'USAGE',
    })
  })

  test('pragmas that only tell something are allowed', async () => {
    for (const sql of [
      'PRAGMA table_info(agents)',
      'PRAGMA integrity_check',
      'PRAGMA main.page_count',
      'PRAGMA journal_mode',
    ]) {
      expect((await query(sql)).code).toBe(0)
    }
  })
})
