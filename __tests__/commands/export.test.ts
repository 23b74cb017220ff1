import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { databaseWithChats, json, query } from '../helpers/chats.ts'
import { snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, run } from '../helpers/run.ts'
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
    const printed = await run(['export', '--format', name, ...words])
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
  const { stdout } = await run(['export', flag, value, ...words])
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
      const result = await run([
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
  expect(errorOf(await run(['export', '--format', 'docx', ...words, '--json'])).exit).toBe(2)
  expect(readdirSync(folder)).toEqual(before)
  expect(readFileSync(join(folder, 'mine'), 'utf8')).toBe('mine')
})

test('- is standard output', async () => {
  const { words, folder } = await withAnswer()
  const { code, stdout } = await run(['export', '--out', '-', ...words], { cwd: folder })
  expect({ code, stdout }).toEqual({ code: 0, stdout: (await run(['export', ...words])).stdout })
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
  const error = errorOf(await run(['export', '--format', format, '--out', out, ...words, '--json']))
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

test('a reader that goes away ends it quietly, and the database is as it was', async () => {
  const { words, folder } = await withAnswer()
  const before = snapshot(folder)
  const { code, stderr } = await run(['export', ...words])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(snapshot(folder)).toEqual(before)
})

testOnTerminal('on a terminal it is said that the result is not encrypted', async () => {
  const { words } = await withAnswer()
  const { code, screen } = await onTerminal(['export', '--out', join(temporaryFolder(), 'out'), ...words], [])
  expect(code).toBe(0)
  expect(screen).toContain('not encrypted')
})
