import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { main } from '../../bin/main.ts'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile, socketFolder, temporaryFolder } from '../helpers/folder.ts'
import { capturingHost, runHere } from '../helpers/in-process.ts'
import { errorOf, PROGRAM } from '../helpers/run.ts'

/*
 * What stands where a file is expected and is none: it is refused at once, however long it could be waited for.
 */

let folder = ''
let server: Server
let words: string[] = []
let key = ''

beforeAll(async () => {
  folder = temporaryFolder()
  execFileSync('mkfifo', [join(folder, 'pipe')])
  symlinkSync('pipe', join(folder, 'link to a pipe'))
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'huge'), '')
  truncateSync(join(folder, 'huge'), 2 ** 30)
  const socket = join(socketFolder(), 'socket')
  server = createServer().listen(socket)
  symlinkSync(socket, join(folder, 'socket'))
  key = keyFile(RAW_KEY)
  words = ['--db', await makeDatabase(), '--json']
})

afterAll(() => server.close())

const KINDS: [name: string, reason: string][] = [
  ['pipe', 'is a named pipe'],
  ['link to a pipe', 'is a named pipe'],
  ['folder', 'is a folder'],
  ['socket', 'is a socket'],
  ['/dev/zero', 'is a device'],
  ['huge', 'has 1073741824 bytes'],
]
const placeOf = (name: string) => (name.startsWith('/') ? name : join(folder, name))

test.each(KINDS)('%s is no key file', async (name, reason) => {
  const error = errorOf(await runHere(['stats', '--quiet', '--key-file', placeOf(name), ...words]))
  expect(error).toMatchObject({ code: 'KEY_SOURCE', message: expect.stringContaining(reason) })
})

test.each(KINDS)('%s is no text of a message', async (name, reason) => {
  const given = ['--session', 's', '--role', 'user', '--content-file', placeOf(name)]
  const error = errorOf(await runHere(['message', 'create', ...given, '--key-file', key, ...words]))
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(reason) })
})

test.each(KINDS)('%s is no key sheet', async (name, reason) => {
  const made = join(folder, 'new.key')
  const error = errorOf(await runHere(['key', 'import', placeOf(name), '--key-file', made, ...words]))
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(reason) })
})

test.each(KINDS.filter(([name]) => !['huge', 'folder'].includes(name)))(
  '%s is nothing to import',
  async (name) => {
    const error = errorOf(await runHere(['import', placeOf(name), '--key-file', key, ...words]))
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('no file and no folder') })
  },
)

test.each([
  ['the key', ['stats', '--key-file', '-'], 'KEY_SOURCE'],
  ['a key sheet', ['key', 'import', '-', '--key-file', 'new.key'], 'INVALID'],
])('standard input without an end is not read on when %s is expected', async (_what, line, code) => {
  function* endless() {
    for (;;) yield Buffer.alloc(65_536)
  }
  const { host, written } = capturingHost({})
  await main([...line, ...words], { ...host, stdin: Readable.from(endless()) })
  expect(JSON.parse(written.stderr).error).toMatchObject({ code })
})

test.each([
  ['a pipe as /dev/stdin', 'cat "$KEY" | "$@" --key-file /dev/stdin'],
  [
    'a pipe that is written in two parts',
    '(head -c 9 "$KEY"; sleep 0.2; tail -c +10 "$KEY") | "$@" --key-file /dev/fd/0',
  ],
  ['a descriptor of a file', '"$@" --key-file /dev/fd/5 5< "$KEY"'],
])('the shell may pass %s for a key file', (_what, script) => {
  const line = [
    '-c',
    script,
    'sh',
    process.execPath,
    PROGRAM,
    'stats',
    '--fields',
    'schema_version',
    ...words,
  ]
  const shown = execFileSync('sh', line, { env: { ...process.env, KEY: key }, encoding: 'utf8' })
  expect(JSON.parse(shown)).toEqual({ schema_version: 2 })
})

const MAKE: Record<string, (path: string) => void> = {
  'a named pipe': (path) => execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdirSync(path),
  'a symbolic link': (path) => symlinkSync('nowhere', path),
}

test.each(
  ['-wal', '-journal', '-shm'].flatMap((end) => Object.keys(MAKE).map((kind) => [end, kind] as const)),
)('where %s beside the database is %s, that is the cause', async (end, kind) => {
  const [, db = ''] = words
  const beside = db + end
  MAKE[kind]?.(beside)
  try {
    for (const line of [['stats'], ['setting', 'set', 'a', 'b'], ['backup'], ['health']]) {
      const error = errorOf(await runHere([...line, '--key-file', key, ...words]))
      expect(error).toMatchObject({ code: 'IO', message: expect.stringContaining(`${beside} is ${kind}`) })
    }
    const { stdout } = await runHere(['diagnose', db, '--key-file', key, ...words])
    expect(JSON.parse(stdout)).toMatchObject({ cause: 'unreadable' })
  } finally {
    rmSync(beside, { recursive: true })
  }
})

test('init makes no database that could not be opened for what stands beside it', async () => {
  const path = join(temporaryFolder(), 'new.db')
  execFileSync('mkfifo', [`${path}-wal`])
  const error = errorOf(await runHere(['init', '--db', path, '--key-file', key, '--json']))
  expect(error).toMatchObject({ code: 'IO', message: expect.stringContaining('a named pipe') })
})
