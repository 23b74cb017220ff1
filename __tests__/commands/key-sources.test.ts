import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fixture, keyFile, PASSPHRASE, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf, type RunOptions, run } from '../helpers/run.ts'

const DATABASE = 'phase21-passphrase.sqlcipher4.db'
const refused = async (flags: string[], options: RunOptions = {}) =>
  errorOf(await run(['stats', '--db', fixture(DATABASE), ...flags, '--json'], options))

test.each([
  ['a trailing newline', `${PASSPHRASE}\n`],
  ['no trailing newline', PASSPHRASE],
])('a key file with %s opens', async (_case, content) => {
  expect((await run(['stats', '--db', fixture(DATABASE), '--key-file', keyFile(content)])).code).toBe(0)
})

test.each([
  ['of 63 hex digits', `x'${'a'.repeat(63)}'`, '63 hex digits'],
  ['with two lines', 'one\ntwo\n', 'more than one line'],
  ['with a byte-order mark', '\uFEFFone', 'byte-order mark'],
  ['that is empty', '', 'is empty'],
  ['of one newline', '\n', 'is empty'],
  ['with a NUL', 'a\0b', 'NUL'],
  ['that is not text', Buffer.from([0xc3, 0x28]), 'not UTF-8'],
  ['that is far too large', 'a'.repeat(70_000), 'at most 65536'],
])('a key file %s is refused', async (_case, content, message) => {
  expect(await refused(['--key-file', keyFile(content)])).toMatchObject({
    code: 'KEY_SOURCE',
    exit: 13,
    message: expect.stringContaining(message),
  })
})

test.each([
  ['fails', 'echo secret-canary; exit 3', 'failed with exit code 3'],
  ['prints nothing', 'true', 'printed nothing'],
  ['does not exist', 'no-such-program-here', 'failed with exit code 127'],
  ['is ended by a signal', 'kill -9 $$', 'ended by SIGKILL'],
  ['prints too much', 'yes', 'too much'],
  ['is empty', ' ', 'is empty'],
])('a key command that %s is refused', async (_case, command, message) => {
  const error = await refused(['--key-command', command])
  expect(error).toMatchObject({ code: 'KEY_SOURCE', message: expect.stringContaining(message) })
  expect(JSON.stringify(error)).not.toContain('secret-canary')
})

test('a key command that leaves an agent in the background gives what it printed', async () => {
  const began = performance.now()
  const words = ['key', 'test', '--db', fixture(DATABASE), '--json']
  const key = keyFile()
  for (const printing of [`sleep 20 & cat '${key}'`, `(sleep 0.2; echo late; sleep 20) & cat '${key}'`]) {
    expect(await run([...words, '--key-command', printing])).toMatchObject({ code: 0, stderr: '' })
  }
  expect(performance.now() - began).toBeLessThan(10_000)
})

test.each<[source: string, words: string[], env: Record<string, string>]>([
  ['the file @', ['--key-file', '@'], {}],
  ["the command cat '@'", ['--key-command', "cat '@'"], {}],
  ['the file @, named by LIBREOLLAMA_DB_KEY_FILE', [], { LIBREOLLAMA_DB_KEY_FILE: '@' }],
  ["the command cat '@', named by LIBREOLLAMA_DB_KEY_COMMAND", [], { LIBREOLLAMA_DB_KEY_COMMAND: "cat '@'" }],
  ['the environment variable LIBREOLLAMA_DB_KEY', [], { LIBREOLLAMA_DB_KEY: PASSPHRASE }],
  ['standard input', ['--key-file', '-'], {}],
])('key test and key status name the source: %s', async (source, words, env) => {
  const key = keyFile()
  const put = (text: string) => text.replace('@', key)
  const options = {
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, put(value)])),
    input: PASSPHRASE,
  }
  for (const command of ['test', 'status']) {
    const all = ['key', command, '--db', fixture(DATABASE), ...words.map(put), '--json']
    const { stdout } = await runHere(all, options)
    expect(JSON.parse(stdout)).toMatchObject({ opens: true, source: put(source) })
  }
})

test('a key command does not see the key of the environment', async () => {
  const folder = temporaryFolder()
  const seen = join(folder, 'seen')
  const options = { env: { LIBREOLLAMA_DB_KEY: 'canary' } }
  await run(['stats', '--db', fixture(DATABASE), '--key-command', `env > '${seen}'; echo x`], options)
  expect(readFileSync(seen, 'utf8')).toContain('HOME=')
  expect(readFileSync(seen, 'utf8')).not.toContain('canary')
})

test.each([
  ['there is none', ['--key-file', '/nonexistent/key'], 'no key file at /nonexistent/key'],
  ['it is a folder', ['--key-file', '/'], 'is a folder'],
  ['its name is empty', ['--key-file', ''], 'is empty'],
])('a key file is refused when %s', async (_case, flags, message) => {
  expect(await refused(flags)).toMatchObject({
    code: 'KEY_SOURCE',
    message: expect.stringContaining(message),
  })
})

test.each([
  ['two flags', ['--key-file', 'k', '--key-command', 'c'], {}, '--key-file and --key-command'],
  ['a flag and the development key', ['--key-file', 'k', '--dev-key'], {}, '--key-file and --dev-key'],
  [
    'two variables',
    [],
    { LIBREOLLAMA_DB_KEY_FILE: 'k', LIBREOLLAMA_DB_KEY: 'v' },
    'KEY_FILE and LIBREOLLAMA_DB_KEY',
  ],
])('%s at once are a usage error', async (_case, flags, env, message) => {
  expect(await refused(flags, { env: env as Record<string, string> })).toMatchObject({
    code: 'USAGE',
    exit: 2,
    message: expect.stringContaining(message),
  })
})

test('a flag wins over the environment', async () => {
  const env = { LIBREOLLAMA_DB_KEY: 'wrong', LIBREOLLAMA_DB: '/nonexistent' }
  const words = ['stats', '--db', fixture(DATABASE), '--key-file', keyFile()]
  expect((await run(words, { env })).code).toBe(0)
})

test.each([
  ['LIBREOLLAMA_DB_KEY', () => PASSPHRASE],
  ['LIBREOLLAMA_DB_KEY_FILE', () => keyFile()],
  ['LIBREOLLAMA_DB_KEY_COMMAND', () => `cat '${keyFile()}'`],
])('%s gives the key, and LIBREOLLAMA_DB the path', async (name, value) => {
  const env = { LIBREOLLAMA_DB: fixture(DATABASE), [name]: value() }
  expect(await run(['stats', '--json'], { env })).toMatchObject({ code: 0, stderr: '' })
})

test('an empty key in the environment is an empty key, not a missing one', async () => {
  expect(await refused([], { env: { LIBREOLLAMA_DB_KEY: '' } })).toMatchObject({
    code: 'KEY_SOURCE',
    message: expect.stringContaining('LIBREOLLAMA_DB_KEY is empty'),
  })
})

test('no key and no terminal is a missing key that names the flags', async () => {
  expect(await refused([])).toMatchObject({ code: 'KEY_SOURCE', hint: expect.stringContaining('--key-file') })
})

test('a key file that others can read is used with a warning', async () => {
  const key = keyFile()
  const { chmodSync } = await import('node:fs')
  chmodSync(key, 0o644)
  const result = await run(['stats', '--db', fixture(DATABASE), '--key-file', key])
  expect(result.code).toBe(0)
  expect(result.stderr).toContain(`chmod 600 ${key}`)
  const wrong = await run([
    'stats',
    '--db',
    fixture('phase21-devkey-raw.sqlcipher4.db'),
    '--key-file',
    key,
    '--json',
  ])
  expect(errorOf(wrong).code).toBe('WRONG_KEY')
  expect(JSON.parse(wrong.stderr).warnings).toEqual([expect.stringContaining('chmod 600')])
})

test('a passphrase is never in what is printed or left behind, right or wrong', async () => {
  const canary = 'canary-6f1d9c'
  const home = temporaryFolder()
  const folder = temporaryFolder()
  mkdirSync(join(home, 'tmp'))
  const env = { HOME: home, TMPDIR: join(home, 'tmp'), XDG_DATA_HOME: join(home, 'data') }
  const right = keyFile(canary, folder)
  const wrong = keyFile(`${canary}-wrong`, temporaryFolder())
  const db = join(home, 'a.db')
  const printed: string[] = []
  for (const key of [right, wrong]) {
    for (const command of [
      'init',
      'stats',
      'health',
      'verify-schema',
      'diagnose',
      'migrate redo',
      'migrate --sql',
    ]) {
      const result = await run(
        [...command.split(' '), '--db', db, '--key-file', key, '--timing', '--verbose'],
        { env },
      )
      printed.push(result.stdout, result.stderr)
    }
  }
  expect(printed.join('\n')).not.toContain(canary)
  for (const path of Object.keys(snapshot(home))) {
    const content = path.includes('.db') ? readFileSync(join(home, path), 'latin1') : ''
    expect(content).not.toContain(canary)
  }
})
