import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'
import { fixture, keyFile, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { LATEST } from '../helpers/program.ts'
import { errorOf, run } from '../helpers/run.ts'

const counts = JSON.parse(readFileSync(join(packageRoot(), '__tests__', 'fixtures', 'counts.json'), 'utf8'))[
  'phase21-v1-plaintext.db'
]

const json = async (words: string[]) => {
  const result = await run([...words, '--json'])
  return { ...result, data: result.stdout ? JSON.parse(result.stdout) : undefined }
}

test.each([
  ['phase21-passphrase.sqlcipher4.db', []],
  ['phase21-devkey-raw.sqlcipher4.db', ['--dev-key']],
  ['phase21-devkey-text.sqlcipher4.db', ['--dev-key']],
])('%s opens, has its rows, and is as it was afterwards', async (name, flags) => {
  const db = fixture(name)
  const words = ['--db', db, ...(flags.length ? flags : ['--key-file', keyFile()])]
  const before = snapshot(dirname(db))
  const stats = await json([...words, 'stats'])
  expect(stats.code).toBe(0)
  expect(stats.data.active_sessions + stats.data.archived_sessions).toBe(counts.sessions)
  expect(stats.data).toMatchObject({
    total_messages: counts.messages,
    total_agents: counts.agents,
    total_executions: counts.executions,
    total_settings: counts.settings,
    schema_version: 1,
    database_bytes: 221184,
  })
  expect((await json([...words, 'verify-schema'])).data).toMatchObject({
    valid: true,
    schema_version: 1,
    findings: [],
  })
  const health = await json([...words, 'health', '--full'])
  expect(health.code).toBe(0)
  // Other programs made these: what this program would add to them is pending, the rest is sound.
  const notOk = health.data.checks.filter(
    ({ status }: { status: string }) => !['ok', 'skipped'].includes(status),
  )
  expect(notOk).toMatchObject([{ name: 'migrations', status: 'warn' }])
  expect((await json([...words, 'diagnose', db])).data).toMatchObject({ cause: 'ok', pages: [] })
  const { migrations } = (await json([...words, 'migrate', 'status'])).data
  expect(migrations[0]).toMatchObject({
    state: 'applied',
    applied_at: expect.stringMatching(/T.*\.\d{6}\+00:00$/),
  })
  expect(snapshot(dirname(db))).toEqual(before)
  if (flags.length) expect(stats.stderr).toContain('development key is public')
})

test.each([
  ['phase21-passphrase.sqlcipher3.db', 14, 'NOT_ENCRYPTED', 'SQLCipher 3 format', 'old_cipher', []],
  ['phase21-v1-plaintext.db', 14, 'NOT_ENCRYPTED', 'not encrypted', 'plaintext', []],
  [
    'app-v14-plaintext.db',
    14,
    'NOT_ENCRYPTED',
    "LibreOllama's own database, version 14, not encrypted",
    'plaintext',
    [],
  ],
  ['damaged-page1.db', 15, 'CORRUPT', 'page 1 of 54', 'damaged', [1]],
  ['damaged-truncated.db', 15, 'CORRUPT', 'cut in the middle of page 27', 'damaged', [27]],
  ['empty.db', 10, 'NO_DATABASE', 'empty file', 'empty', []],
  ['not-a-database.db', 12, 'WRONG_KEY', 'not a database, or the key is wrong', 'not_a_database', []],
] as const)(
  '%s is refused with exit %i by what reads it, and explained',
  async (name, exit, code, words, cause, pages) => {
    const db = fixture(name)
    const before = snapshot(dirname(db))
    const flags = ['--db', db, '--key-file', keyFile(), '--json']
    for (const command of ['stats', 'verify-schema', 'migrate', 'init']) {
      expect(errorOf(await run([...flags, command]))).toMatchObject({
        code,
        exit,
        message: expect.stringContaining(words),
      })
    }
    const diagnosis = await run([...flags, 'diagnose', db])
    expect(diagnosis.code).toBe(3)
    expect(JSON.parse(diagnosis.stdout)).toMatchObject({
      cause,
      pages,
      detail: expect.stringContaining(words),
    })
    const health = await run([...flags, 'health'])
    if (code === 'CORRUPT') {
      expect(health.code).toBe(3)
      expect(JSON.parse(health.stdout)).toMatchObject({
        status: 'fail',
        checks: [{ name: 'open', status: 'fail' }],
      })
    } else {
      expect(errorOf(health)).toMatchObject({ code })
    }
    expect(snapshot(dirname(db))).toEqual(before)
  },
)

test('damaged-page7.db opens, and whatever meets the damage names the page', async () => {
  const db = fixture('damaged-page7.db')
  const before = snapshot(dirname(db))
  const words = ['--db', db, '--key-file', keyFile()]
  expect(errorOf(await run([...words, '--json', 'stats']))).toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining('page 7 of 54'),
  })
  expect((await json([...words, 'diagnose', db])).data).toMatchObject({ cause: 'damaged', pages: [7] })
  const health = await json([...words, 'health'])
  expect(health.code).toBe(3)
  expect(health.data.status).toBe('fail')
  expect(health.data.checks).toContainEqual(
    expect.objectContaining({ name: 'pages', status: 'fail', message: 'not authentic: page 7' }),
  )
  expect(snapshot(dirname(db))).toEqual(before)
})

test('drifted.sqlcipher4.db: the four differences are found and nothing else', async () => {
  const db = fixture('drifted.sqlcipher4.db')
  const words = ['--db', db, '--key-file', keyFile()]
  const { code, data } = await json([...words, 'verify-schema'])
  expect(code).toBe(3)
  expect(data).toMatchObject({ valid: false, schema_version: 1, expected_version: LATEST })
  const names = data.findings.map(
    (finding: Record<string, string>) => `${finding.kind} ${finding.type} ${finding.name}`,
  )
  expect(names.sort()).toEqual([
    'extra column surprise',
    'extra table stray',
    'missing index idx_chat_messages_role',
    'missing table agent_executions',
  ])
  // A missing table has no count: 0 would be a lie.
  expect((await json([...words, 'stats'])).data).toMatchObject({
    total_messages: 226,
    total_executions: null,
  })
  expect((await json([...words, 'health'])).code).toBe(3)
})

test('an encrypted file with another key is a wrong key, and stays as it was', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const before = snapshot(dirname(db))
  const words = ['--db', db, '--key-file', keyFile('another passphrase')]
  for (const command of ['stats', 'health', 'verify-schema', 'init', 'migrate']) {
    expect(errorOf(await run([...words, '--json', command]))).toMatchObject({ code: 'WRONG_KEY', exit: 12 })
  }
  expect((await json([...words, 'diagnose', db])).data).toMatchObject({ cause: 'wrong_key' })
  expect(snapshot(dirname(db))).toEqual(before)
})

test('what needs no key to be told is told without one', async () => {
  const told = async (name: string) =>
    (await json(['diagnose', fixture(name), '--fields', 'cause'])).data.cause
  expect(await told('app-v14-plaintext.db')).toBe('plaintext')
  expect(await told('empty.db')).toBe('empty')
  expect(await told('not-a-database.db')).toBe('not_a_database')
  expect(errorOf(await run(['--json', 'diagnose', fixture('damaged-page1.db')]))).toMatchObject({
    code: 'KEY_SOURCE',
  })
})

test("another program's plaintext file is not taken for LibreOllama's", async () => {
  const { withMemoryDatabase } = await import('../../src/core/engine/connect.ts')
  const db = join(temporaryFolder(), 'other.db')
  await withMemoryDatabase(async (connection) => {
    await connection.exec('CREATE TABLE schema_version (version); INSERT INTO schema_version VALUES (3)')
    await connection.run('VACUUM INTO ?', [db])
  })
  const { data } = await json(['diagnose', db])
  expect(data).toMatchObject({
    cause: 'plaintext',
    detail: expect.stringContaining('a plaintext SQLite database'),
  })
})
