import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { databaseWithChats, json, query } from '../helpers/chats.ts'
import { fixture, keyFile, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { cleanEnvironment, errorOf, PROGRAM, run } from '../helpers/run.ts'
import { onTerminal, testOnTerminal } from '../helpers/terminal.ts'

const FORMATS = ['jsonl', 'json', 'markdown', 'html', 'csv', 'openwebui', 'openai', 'sharegpt']

async function withAnswer() {
  const made = await databaseWithChats()
  await query(
    made.words,
    "INSERT INTO chat_messages (id, session_id, role, content) VALUES ('z', 's', 'assistant', '<b>answer</b>')",
  )
  await query(
    made.words,
    "INSERT INTO chat_sessions (id, title, updated_at) VALUES ('old', 'long ago', '2001-01-01T00:00:00.000000+00:00')",
  )
  return made
}

test.each(FORMATS.filter((name) => name !== 'markdown'))(
  '%s goes to stdout, or to a new file that is for its owner alone',
  async (name) => {
    const { words } = await withAnswer()
    const out = join(temporaryFolder(), 'out')
    const printed = await runHere(['export', '--format', name, ...words])
    expect(printed).toMatchObject({ code: 0 })
    const report = await json(['export', '--format', name, '--out', out, ...words])
    expect(readFileSync(out, 'utf8')).toBe(printed.stdout)
    expect(statSync(out).mode & 0o777).toBe(0o600)
    expect(report).toMatchObject({ path: out, format: name, bytes: statSync(out).size })
  },
)

test('markdown goes into a folder, one file for each chat', async () => {
  const { words, folder } = await withAnswer()
  const out = join(folder, 'chats')
  expect(await json(['export', '--format', 'markdown', '--out', out, ...words])).toMatchObject({
    sessions: 2,
  })
  expect(readdirSync(out).sort()).toEqual(['bread.md', 'long ago.md'])
  expect(statSync(out).mode & 0o777).toBe(0o700)
  expect(statSync(join(out, 'bread.md')).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(out, 'bread.md'), 'utf8')).toContain('word1')
})

test.each([
  ['--session', 's', 1],
  ['--session', 'old', 1],
  ['--since', '30d', 1],
  ['--until', '2002-01-01', 1],
  ['--search', 'word3', 1],
  ['--search', 'nothing-like-it', 0],
])('%s %s narrows it to %i', async (flag, value, sessions) => {
  const { words } = await withAnswer()
  const { stdout } = await runHere(['export', flag, value, ...words])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines[0]).toMatchObject({ libreollama_db_export: 1, whole: false })
  expect(lines.filter(({ type }) => type === 'session')).toHaveLength(sessions)
  expect(lines.some(({ type }) => type === 'setting')).toBe(false)
})

test('an existing file, a symbolic link and an unknown format are refused, and nothing is half-written', async () => {
  const { words } = await withAnswer()
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'mine'), 'mine')
  symlinkSync('/nowhere/at/all', join(folder, 'link'))
  const before = readdirSync(folder)
  for (const name of ['mine', 'link']) {
    for (const format of ['jsonl', 'html', 'markdown']) {
      const result = await runHere([
        'export',
        '--format',
        format,
        '--out',
        join(folder, name),
        ...words,
        '--json',
      ])
      expect(errorOf(result).exit).toBe(18)
    }
  }
  expect(errorOf(await runHere(['export', '--format', 'docx', ...words, '--json'])).exit).toBe(2)
  expect(readdirSync(folder)).toEqual(before)
  expect(readFileSync(join(folder, 'mine'), 'utf8')).toBe('mine')
})

test('- is standard output', async () => {
  const { words, folder } = await withAnswer()
  const { code, stdout } = await run(['export', '--out', '-', ...words], { cwd: folder })
  expect({ code, stdout }).toEqual({ code: 0, stdout: (await runHere(['export', ...words])).stdout })
  expect(readdirSync(folder)).not.toContain('-')
})

test.each([
  ['a folder', 'html', 'there', 2],
  ['a folder', 'jsonl', 'there/', 2],
  ['a folder that is not there', 'csv', 'new/', 2],
  ['nothing', 'jsonl', '', 2],
  ['nothing', 'markdown', '', 2],
  ['a folder with something in it', 'markdown', 'full', 18],
  ['a place below a file', 'jsonl', 'full/file/out', 18],
  ['a place below a file', 'markdown', 'full/file/out', 18],
  ['a name that is too long', 'jsonl', 'x'.repeat(300), 18],
  ['a place below /proc', 'jsonl', '/proc/none/none', 18],
  ['a place below /proc', 'markdown', '/proc/none/none', 18],
  ['a place in /proc', 'jsonl', '/proc/self/none', 18],
])('%s is no place for %s', async (_case, format, name, exit) => {
  const { words } = await withAnswer()
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'there'))
  mkdirSync(join(folder, 'full'))
  writeFileSync(join(folder, 'full', 'file'), '')
  const before = snapshot(folder)
  const out = name === '' ? '' : resolve(folder, name) + (name.endsWith('/') ? '/' : '')
  const error = errorOf(await runHere(['export', '--format', format, '--out', out, ...words, '--json']))
  expect(error).toMatchObject({ exit })
  expect(error.hint).not.toContain('--db')
  expect(error.hint).toContain(exit === 2 || name === 'full' ? '--out' : '')
  expect(snapshot(folder)).toEqual(before)
})

test('a folder may be named with a slash, and may be there when it is empty, also by a link', async () => {
  const { words } = await withAnswer()
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'there'))
  symlinkSync('there', join(folder, 'link'))
  for (const name of ['link', 'new/']) {
    const out = join(folder, name)
    await json(['export', '--format', 'markdown', '--out', out, ...words])
    expect(readdirSync(out).sort()).toEqual(['bread.md', 'long ago.md'])
  }
  expect(readdirSync(folder).sort()).toEqual(['link', 'new', 'there'])
})

test('a name may be as long as the file system takes', async () => {
  const { words } = await withAnswer()
  const folder = temporaryFolder()
  for (const [format, name] of [
    ['jsonl', 'é'.repeat(120)],
    ['markdown', 'x'.repeat(255)],
  ] as const)
    await json(['export', '--format', format, '--out', join(folder, name), ...words])
  expect(readdirSync(folder).sort()).toEqual(['x'.repeat(255), 'é'.repeat(120)])
})

test.each(FORMATS)(
  'bytes that stand where text belongs come out in %s as text, and it is said',
  async (name) => {
    const { words } = await withAnswer()
    await query(
      words,
      "UPDATE chat_messages SET content = x'6272c3a964ff', metadata = x'00ff' WHERE id IN ('m1', 'z')",
    )
    await query(words, "UPDATE chat_sessions SET title = x'00ff6f6e65' WHERE id = 's'")
    const { code, stdout, stderr } = await runHere(['export', '--format', name, ...words])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('3 records') })
    expect(stdout).toContain('bréd\uFFFD')
    expect(stdout).not.toContain('"Buffer"')
  },
)

test.each(['jsonl', 'json'])(
  'an agent whose numbers are beyond what a double holds comes out in %s',
  async (name) => {
    const { words } = await withAnswer()
    await query(
      words,
      "INSERT INTO agents (id, name, model_name, max_tokens) VALUES ('a', 'n', 'm', -9223372036854775808)",
    )
    await query(words, "UPDATE chat_sessions SET agent_id = 'a' WHERE id = 's'")
    const { stdout } = await runHere(['export', '--format', name, '--session', 's', ...words])
    expect(stdout).toContain('"max_tokens":"-9223372036854775808"')
  },
)

test('several chats are named after one --session, or after one each', async () => {
  const { words } = await withAnswer()
  const together = await runHere(['export', '--session', 's', 'old', '--until', '2100-01-01', ...words])
  expect(together.stdout.match(/"type":"session"/g)).toHaveLength(2)
  const apart = await runHere([
    'export',
    '--session',
    's',
    '--session',
    'old',
    '--until',
    '2100-01-01',
    ...words,
  ])
  expect(apart).toEqual(together)
})

test('a search in a database without the index says which version it needs', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const words = ['--db', db, '--key-file', keyFile(), '--json']
  expect(errorOf(await runHere(['export', '--search', 'word', ...words]))).toMatchObject({
    code: 'PENDING',
    exit: 4,
  })
})

test.each([
  ['agent_executions', []],
  ['chat_messages', ['--format', 'html', '--session', 's']],
])('a database that lacks the table %s is not exported half', async (table, options) => {
  const { words } = await withAnswer()
  await query(words, `ALTER TABLE ${table} RENAME TO other`)
  const error = errorOf(await runHere(['export', ...options, ...words, '--json']))
  expect(error).toMatchObject({ code: 'CHECK_FAILED', message: expect.stringContaining(table) })
  expect(error.hint).toContain('verify-schema')
})

test('a database that lacks a column is not exported half', async () => {
  const { words } = await withAnswer()
  await query(words, 'ALTER TABLE agent_executions RENAME COLUMN metadata TO other')
  const error = errorOf(await runHere(['export', ...words, '--json']))
  expect(error).toMatchObject({ code: 'CHECK_FAILED', message: expect.stringContaining('metadata') })
  expect((await runHere(['export', '--session', 's', ...words])).code).toBe(0)
})

test('a reader that goes away ends it quietly, and the database is as it was', async () => {
  const { words, folder } = await withAnswer()
  const before = snapshot(folder)
  const { code, stderr } = await runHere(['export', ...words])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(snapshot(folder)).toEqual(before)
})

testOnTerminal('on a terminal it is said before the chats that they are not encrypted', async () => {
  const { words } = await withAnswer()
  const { code, screen } = await onTerminal(['export', ...words], [])
  expect(code).toBe(0)
  expect(screen.indexOf('not encrypted')).toBeGreaterThanOrEqual(0)
  expect(screen.indexOf('not encrypted')).toBeLessThan(screen.indexOf('libreollama_db_export'))
})

testOnTerminal('it is said also where the key comes through a pipe', async () => {
  const { db, key } = await withAnswer()
  const program = [process.execPath, PROGRAM, 'export', '--db', db, '--key-file', '-', '--out', `${db}.out`]
  const line = `cat '${key}' | ${program.map((word) => `'${word}'`).join(' ')}`
  const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
    encoding: 'utf8',
    env: cleanEnvironment({ SHELL: '/bin/sh' }),
  })
  expect(stdout).toContain('not encrypted')
  expect(existsSync(`${db}.out`)).toBe(true)
})
