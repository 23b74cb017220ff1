import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { main } from '../../bin/main.ts'
import { write } from '../../src/cli/host.ts'
import { FORMATS } from '../../src/cli/output/index.ts'
import { createPrinter } from '../../src/cli/output/printer.ts'
import { createStyle } from '../../src/cli/terminal.ts'
import { EXPORT_FORMAT_NAMES } from '../../src/core/transfer/export/formats/formats.ts'
import { commandNames } from '../helpers/commands.ts'
import { RAW_KEY } from '../helpers/database.ts'
import { fixture, PASSPHRASE, temporaryFolder } from '../helpers/folder.ts'
import {
  EVIL,
  fakedLines,
  type HostilePlace,
  hostileChats,
  hostileDatabase,
  hostilePlace,
  steeringLines,
} from '../helpers/hostile.ts'
import { capturingHost, runHere } from '../helpers/in-process.ts'

const terminal = { terminal: true }
let sound = ''
let unchecked = ''

beforeAll(async () => {
  sound = await hostileDatabase(false)
  unchecked = await hostileDatabase(true)
})

interface Case {
  words: (at: HostilePlace) => string[] | Promise<string[]>
  /** The database that it runs on. */
  on?: () => HostilePlace
  /** Its output contains no data. */
  silent?: true
  /** Some data is shown over several lines. */
  lines?: true
  /** It starts other processes, so only one format for people and one for programs is tried. */
  slow?: true
}

const onUnchecked = () => hostilePlace(unchecked)
const file = (path: string, text: string) => {
  writeFileSync(path, text)
  return path
}
const afterBackup = async (at: HostilePlace, ...words: string[]) => {
  await runHere([...at.words, 'backup', '--quiet'])
  return words
}

const records = (name: string, fields: string[], changes = fields.slice(-2)): Record<string, Case> => ({
  [`${name} list`]: { words: () => [name, 'list', '--timing'], on: onUnchecked },
  [`${name} get`]: { words: () => [name, 'get', EVIL], on: onUnchecked, lines: true },
  [`${name} create`]: { words: () => [name, 'create', ...fields], lines: true },
  [`${name} update`]: { words: () => [name, 'update', EVIL, ...changes], lines: true },
  [`${name} delete`]: { words: () => [name, 'delete', `no ${EVIL}`, '--yes', '--verbose'] },
})

/** Every command and verb, with arguments that make it show as much data as it can. */
const CASES: Record<string, Case> = {
  init: { words: () => ['init'] },
  'migrate up': { words: () => ['migrate', 'up', '--dry-run'], silent: true },
  'migrate down': { words: () => ['migrate', 'down', '--to', '1', '--no-backup', '--yes'], silent: true },
  'migrate redo': { words: () => ['migrate', 'redo'], slow: true },
  'migrate status': { words: () => ['migrate', 'status'] },
  'migrate version': { words: () => ['migrate', 'version', '--verbose'] },
  stats: { words: () => ['stats', '--timing', '--verbose'] },
  'verify-schema': { words: () => ['verify-schema'], lines: true },
  health: { words: () => ['health', '--verbose'], on: onUnchecked },
  diagnose: { words: () => ['diagnose', '--verbose'] },
  rekey: {
    words: ({ folder }) => ['rekey', '--new-key-file', join(folder, `new ${EVIL}`), '--generate-key'],
    slow: true,
  },
  'key status': { words: () => ['key', 'status'] },
  'key test': { words: () => ['key', 'test'] },
  'key generate': { words: ({ folder }) => ['key', 'generate', '--key-file', join(folder, `new ${EVIL}`)] },
  'key store': { words: () => ['key', 'store', '--verbose'] },
  'key forget': { words: () => ['key', 'forget', '--yes', '--verbose'], silent: true },
  'key export': { words: () => ['key', 'export', '--paper'] },
  'key import': {
    words: async (at) => {
      const { stdout } = await runHere([...at.words, 'key', 'export', '--paper'])
      const sheet = file(join(at.folder, 'sheet'), stdout)
      return ['key', 'import', sheet, '--key-file', join(at.folder, `new ${EVIL}`)]
    },
  },
  'backup create': { words: () => ['backup', 'create'], slow: true },
  'backup list': { words: (at) => afterBackup(at, 'backup', 'list'), slow: true },
  'backup verify': { words: (at) => afterBackup(at, 'backup', 'verify', 'latest'), slow: true },
  'backup prune': {
    words: (at) => afterBackup(at, 'backup', 'prune', '--keep-last', '1', '--yes'),
    slow: true,
  },
  restore: {
    words: (at) => afterBackup(at, 'restore', 'latest', '--to', join(at.folder, `to ${EVIL}`)),
    slow: true,
  },
  encrypt: {
    words: () => ['encrypt'],
    on: () => hostilePlace(fixture('phase21-v1-plaintext.db')),
    slow: true,
  },
  upgrade: {
    words: () => ['upgrade'],
    on: () => hostilePlace(fixture('phase21-passphrase.sqlcipher3.db'), PASSPHRASE),
    slow: true,
  },
  ...records('session', ['--title', EVIL]),
  'session delete': { words: () => ['session', 'delete', EVIL, '--yes'] },
  'session archive': { words: () => ['session', 'archive', EVIL] },
  'session unarchive': { words: () => ['session', 'unarchive', EVIL] },
  'session prune': { words: () => ['session', 'prune', '--before', '2025-12-31', '--yes', '--verbose'] },
  ...records('message', ['--session', EVIL, '--role', 'user', '--content', EVIL]),
  ...records('agent', ['--name', EVIL, '--model', EVIL, '--metadata', JSON.stringify({ [EVIL]: EVIL })]),
  'agent activate': { words: () => ['agent', 'activate', EVIL], lines: true },
  'agent deactivate': { words: () => ['agent', 'deactivate', EVIL], lines: true },
  ...records('setting', ['--key', `new ${EVIL}`, '--value', EVIL]),
  'setting set': { words: () => ['setting', 'set', EVIL, EVIL] },
  ...records('execution', ['--agent', EVIL, '--input', EVIL], ['--result', EVIL]),
  'execution start': { words: () => ['execution', 'start', '--agent', EVIL, '--input', EVIL], lines: true },
  'execution complete': {
    words: () => ['execution', 'complete', `running ${EVIL}`, '--result', EVIL],
    lines: true,
  },
  'execution fail': {
    words: () => ['execution', 'fail', `running ${EVIL}`, '--error', EVIL],
    lines: true,
  },
  'execution cancel': { words: () => ['execution', 'cancel', EVIL], on: onUnchecked },
  search: { words: () => ['search', 'zebra', '--context', '1'], on: onUnchecked, lines: true },
  query: { words: () => ['query', `SELECT *, 1 AS "${EVIL}" FROM chat_messages`], on: onUnchecked },
  import: { words: (at) => ['import', hostileChats(at)] },
  export: { words: () => ['export'] },
  path: { words: () => ['path'] },
  'exit-codes': { words: () => ['exit-codes'], silent: true },
  help: { words: () => ['help', EVIL] },
}

test('no command is forgotten here', async () => {
  expect(Object.keys(CASES).sort()).toEqual((await commandNames()).sort())
})

describe.each(Object.entries(CASES))('%s', (name, { words, on, silent, lines, slow }) => {
  const place = () => on?.() ?? hostilePlace(sound)

  test.each(slow ? ['table', 'csv'] : FORMATS)('escapes data in %s output', async (format) => {
    const at = place()
    const result = await runHere([...at.words, ...(await words(at)), '-o', format], terminal)
    const shown = result.stdout + result.stderr
    expect(steeringLines(result)).toEqual([])
    if (!lines || format !== 'table') expect(fakedLines(shown)).toEqual([])
    if (!silent && format === 'table') expect(shown).toMatch(/zebra\\(x|u00)1b\]0;T/)
    expect(shown).not.toContain('this is a defect')
    // A table is for people and is escaped without a terminal too; `path` and `export` are for programs.
    if (format !== 'table' || slow || ['path', 'export'].includes(name)) return
    const another = place()
    expect(steeringLines(await runHere([...another.words, ...(await words(another))]))).toEqual([])
  })

  test.each(['table', 'json'])('escapes errors in %s output', async (format) => {
    const missing = join(temporaryFolder(), `no ${EVIL}`)
    for (const wrong of [
      [...name.split(' '), `--${EVIL}`],
      [...name.split(' '), EVIL, '--limit', EVIL, '--fields', EVIL],
      [...name.split(' '), '--db', missing, '--key-file', `${missing}.key`],
    ]) {
      const result = await runHere([...wrong, '-o', format], terminal)
      expect([wrong, steeringLines(result), fakedLines(result.stderr)]).toEqual([wrong, [], []])
      expect(result.stderr).not.toContain('this is a defect')
    }
  })
})

test.each(EXPORT_FORMAT_NAMES)('export --format %s to a terminal', async (format) => {
  const result = await runHere([...hostilePlace(sound).words, 'export', '--format', format], terminal)
  expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('zebra') })
  expect(steeringLines(result)).toEqual([])
})

test.each([
  ['an unknown table', `SELECT * FROM "${EVIL} "`],
  ['a syntax error', `SELECT ${EVIL}`],
  ['a word that is refused', `VACUUM INTO '${EVIL}'`],
  ['several statements', `SELECT 1; ${EVIL}`],
])('query: %s', async (_situation, sql) => {
  for (const format of ['table', 'json']) {
    const result = await runHere(
      [...hostilePlace(sound).words, 'query', sql, '-o', format, '--timing'],
      terminal,
    )
    expect(result.code).not.toBe(0)
    expect([steeringLines(result), fakedLines(result.stderr)]).toEqual([[], []])
  }
})

test('without a terminal, output for programs is exact', async () => {
  const { db, words } = hostilePlace(sound)
  expect((await runHere([...words, 'path'])).stdout).toBe(`${db}\n`)
  expect((await runHere([...words, 'setting', 'get', EVIL, '--csv', '--fields', 'value'])).stdout).toBe(
    `value\n"${EVIL}"\n`,
  )
  const column = `SELECT value AS "${EVIL}" FROM settings WHERE key = :key`
  const query = ['query', column, '-p', `key=${EVIL}`]
  expect((await runHere([...words, ...query, '--csv'])).stdout).toBe(`"${EVIL}"\n"${EVIL}"\n`)
  for (const options of [{}, terminal]) {
    for (const format of ['--json', '--ndjson']) {
      const { stdout } = await runHere([...words, ...query, format], options)
      expect([JSON.parse(stdout)].flat()).toEqual([{ [EVIL]: EVIL }])
    }
    const { stderr } = await runHere(['query', '--json', EVIL], options)
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'USAGE' })
  }
  const sql = (await runHere([...words, 'migrate', 'redo', '--sql'])).stdout
  expect(sql).toBe(
    ['down', 'up'].map((way) => readFileSync(`migrations/0002_message_search.${way}.sql`, 'utf8')).join('\n'),
  )
  expect((await runHere([...words, 'migrate', 'redo', '--sql'], terminal)).stdout).toBe(sql)
})

test('the words that were found are bold', async () => {
  const { stdout } = await runHere([...hostilePlace(unchecked).words, 'search', 'zebra'], terminal)
  expect(stdout).toContain('\x1b[1mzebra\x1b[22m\\x1b]0;T')
})

test('a defect is reported with its stack trace, escaped', async () => {
  for (const format of [[], ['--json']]) {
    const { host, written } = capturingHost(terminal)
    host.now = () => {
      throw new Error(EVIL)
    }
    const words = [...hostilePlace(sound).words, 'session', 'list', ...format]
    expect(await main(words, host)).toBe(1)
    expect(written.stderr).toMatch(/^(\{.*)?Error: zebra\\.*this is a defect/s)
    expect(written.stderr).toContain('hostile-output.test.ts')
    expect([steeringLines(written), fakedLines(written.stderr)]).toEqual([[], []])
  }
})

test.each<[situation: string, words: (at: HostilePlace) => string[], asked: string, typed: string]>([
  ['the key', ({ db }) => ['--db', db, 'stats'], 'Passphrase or key of', `${RAW_KEY}\r`],
  ['a confirmation', ({ words }) => [...words, 'session', 'delete', EVIL], 'Delete 1 session', 'n\r'],
])('a question: %s', async (_situation, words, asked, typed) => {
  const { host, written } = capturingHost(terminal)
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  host.stdin = stdin
  const answer = () => {
    if (!written.stderr.includes(asked)) return
    host.stderr.off('data', answer)
    setTimeout(() => stdin.write(typed), 50)
  }
  host.stderr.on('data', answer)
  await main(words(hostilePlace(sound)), host)
  expect(written.stderr).toContain('zebra\\x1b]0;T')
  for (const sequence of ['\x1b]', '\x1b[2J', '\x9b', '\x07', '\x7f', '\u202e', '\u2028', '\nerror: fake'])
    expect(written.stderr).not.toContain(sequence)
})

test('a view that escapes nothing itself is safe, and so is one that takes data from elsewhere', async () => {
  const { host, written } = capturingHost(terminal)
  const style = createStyle(host.stdout, 'auto', {})
  const view = {
    fields: ['a'],
    text: ({ a }: Record<string, unknown>) => `${style.bold(JSON.stringify(a))}\n${EVIL}\n`,
  }
  const options = { stream: host.stdout, style }
  await createPrinter('table', view, options)({ a: { [EVIL]: [EVIL] } })
  expect(steeringLines(written)).toEqual([])
  expect(written.stdout.match(/zebra/g)).toHaveLength(3)
})

test('bytes are escaped as data, wherever they are cut', async () => {
  const { host, written } = capturingHost(terminal)
  for (const byte of Buffer.from(`${EVIL}ä€😀`)) await write(host.stdout, Uint8Array.of(byte))
  expect(steeringLines(written)).toEqual([])
  expect(written.stdout).toMatch(/^zebra\\x1b\]0;T.*ä€😀$/s)
})
