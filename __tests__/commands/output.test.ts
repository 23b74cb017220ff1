import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fixture, keyFile, newDatabase } from '../helpers/folder.ts'
import { cleanEnvironment, PROGRAM, run } from '../helpers/run.ts'

const words = ['--db', '', '--key-file', '']
beforeAll(() => {
  words[1] = fixture('phase21-passphrase.sqlcipher4.db')
  words[3] = keyFile()
})

const output = async (...more: string[]) => (await run([...words, ...more])).stdout

test.each([
  ['before the command', (flag: string[]) => [...flag, 'stats']],
  ['after the command', (flag: string[]) => ['stats', ...flag]],
])('global options are accepted %s', async (_case, place) => {
  for (const flag of [['--json'], ['-o', 'json'], ['-ojson'], ['--output=json']]) {
    expect(JSON.parse(await output(...place(flag))).total_messages).toBe(226)
  }
})

test('every command answers in JSON with its field names', async () => {
  const keys = async (...command: string[]) => Object.keys(JSON.parse(await output(...command, '--json')))
  expect(await keys('stats')).toEqual(
    expect.arrayContaining([
      'active_sessions',
      'archived_sessions',
      'total_messages',
      'database_bytes',
      'wal_bytes',
    ]),
  )
  expect(await keys('health')).toEqual(['status', 'checks'])
  expect(await keys('verify-schema')).toEqual([
    'valid',
    'schema_version',
    'expected_version',
    'compared',
    'findings',
  ])
  expect(await keys('migrate', 'status')).toEqual(['current', 'latest', 'pending', 'migrations'])
  expect(await keys('migrate', 'version')).toEqual(['schema_version', 'latest'])
  expect(await keys('diagnose')).toEqual(['cause', 'detail', 'pages', 'hint'])
  expect(await keys('path')).toEqual(['path', 'exists'])
  expect(JSON.parse(await output('exit-codes', '--json'))[0]).toEqual({
    exit: 0,
    code: 'OK',
    when: expect.any(String),
  })
})

test('ndjson is a line a row', async () => {
  const lines = (await output('health', '--ndjson')).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).name)).toEqual(
    expect.arrayContaining(['encryption', 'pages', 'schema']),
  )
  expect((await output('stats', '--ndjson')).trimEnd().split('\n')).toHaveLength(1)
})

test('an empty list is [] in JSON, nothing in ndjson, a header in csv', async () => {
  expect(JSON.parse(await output('verify-schema', '--json')).findings).toEqual([])
  expect(await output('verify-schema', '--ndjson')).toBe('')
  expect(await output('verify-schema', '--csv')).toBe('kind,type,table,name,expected,actual,fix_sql\n')
})

test('csv quotes what needs it', async () => {
  const csv = await output('exit-codes', '--csv', '--fields', 'code,when')
  expect(csv.split('\n')[0]).toBe('code,when')
  expect(csv).toContain('\nCHECK_FAILED,"drift, ')
})

test('--fields picks and orders, in every format', async () => {
  expect(await output('stats', '--json', '--fields', 'schema_version,total_messages')).toBe(
    '{"schema_version":1,"total_messages":226}\n',
  )
  expect(await output('stats', '--csv', '--fields', 'schema_version, total_messages')).toBe(
    'schema_version,total_messages\n1,226\n',
  )
  expect(await output('stats', '--fields', 'total_messages')).toMatch(/^total_messages +226\n$/)
  expect(await output('health', '--ndjson', '--fields', 'status')).toMatch(
    /^(\{"status":"(ok|warn|skipped)"\}\n)+$/,
  )
})

test('without a terminal there are no colours, unless they are asked for', async () => {
  const ESC = String.fromCharCode(27)
  expect(await output('health')).not.toContain(ESC)
  expect(await output('health', '--color', 'always')).toContain(ESC)
  const env = (extra: Record<string, string>) => run([...words, 'health'], { env: extra })
  expect((await env({ FORCE_COLOR: '1' })).stdout).toContain(ESC)
  expect((await env({ FORCE_COLOR: '1', NO_COLOR: '1' })).stdout).not.toContain(ESC)
})

test('the timing of each statement goes to stderr, without values and keys', async () => {
  const { stdout, stderr } = await run([...words, 'stats', '--json', '--timing'])
  expect(JSON.parse(stdout).total_messages).toBe(226)
  const lines = stderr.trimEnd().split('\n')
  expect(lines.at(-1)).toMatch(/^ *\d+\.\d\d ms {2}in \d+ statements$/)
  for (const line of lines.slice(0, -1))
    expect(line).toMatch(/^ *\d+\.\d\d ms +\d+ rows {2}(SELECT|PRAGMA|WITH)/)
  expect(stderr).not.toMatch(/x'[0-9a-f]{64}/)
})

test('everything reaches a pipe', async () => {
  const through = spawnSync(
    '/bin/sh',
    [
      '-c',
      `"$0" "$1" help scripting -h | cat | wc -c; "$0" "$1" exit-codes --json | cat`,
      process.execPath,
      PROGRAM,
    ],
    {
      env: cleanEnvironment(),
    },
  )
  expect(through.stdout.toString()).toContain('"SIGTERM"')
})

test('a reader that goes away ends the program quietly', () => {
  for (const command of ['exit-codes', '--help', 'help scripting', 'exit-codes --json']) {
    const { stderr } = spawnSync(
      '/bin/sh',
      ['-c', `"$0" "$1" ${command} | true`, process.execPath, PROGRAM],
      {
        env: cleanEnvironment(),
      },
    )
    expect(stderr.toString()).toBe('')
  }
})

const withFullDevice = existsSync('/dev/full') ? test : test.skip
withFullDevice('a result that cannot be written is no success (skipped where there is no /dev/full)', () => {
  for (const command of ['exit-codes', 'exit-codes --json', '--help']) {
    const { status, stderr } = spawnSync(
      '/bin/sh',
      ['-c', `"$0" "$1" ${command} >/dev/full`, process.execPath, PROGRAM],
      {
        env: cleanEnvironment(),
      },
    )
    expect(status).toBe(18)
    expect(stderr.toString()).toContain('the disk is full')
  }
})

test('--verbose tells where the key came from, and --quiet keeps to the result', async () => {
  const { stderr } = await run([...words, 'stats', '--verbose'])
  expect(stderr).toBe(`database: ${words[1]}\nkey: the file ${words[3]}\n`)
  expect((await run([...words, 'stats', '--quiet'])).stderr).toBe('')
})

test('warnings beside JSON are JSON lines, and --quiet leaves them out', async () => {
  const flags = ['--db', fixture('phase21-devkey-raw.sqlcipher4.db'), '--dev-key', 'stats', '--json']
  expect(JSON.parse((await run(flags)).stderr).warning.message).toContain('development key')
  expect((await run([...flags, '--quiet'])).stderr).toBe('')
})

test('an error for people names its code and what to do next', async () => {
  const { code, stdout, stderr } = await run(['stats', '--db', '/nonexistent/a.db'])
  expect({ code, stdout }).toEqual({ code: 10, stdout: '' })
  expect(stderr).toBe(
    'error: there is no database at /nonexistent/a.db [NO_DATABASE]\n  → make one: libreollama-db init --db /nonexistent/a.db; name another one with --db <path>\n',
  )
})

test('path prints the default place of the platform, and asks for no key', async () => {
  const env = { XDG_DATA_HOME: '/data', HOME: '/home/ada', LIBREOLLAMA_DB_KEY_COMMAND: 'exit 1' }
  const expected =
    process.platform === 'darwin'
      ? '/home/ada/Library/Application Support/LibreOllama/database.db\n'
      : '/data/LibreOllama/database.db\n'
  expect(await run(['path'], { env })).toEqual({ code: 0, stdout: expected, stderr: '' })
  expect((await run(['path'], { env: { ...env, LIBREOLLAMA_DB: 'x/y.db' }, cwd: '/' })).stdout).toBe(
    '/x/y.db\n',
  )
})

test('init and migrate answer in every format', async () => {
  const { words: flags } = await newDatabase()
  for (const format of ['table', 'json', 'ndjson', 'csv']) {
    for (const command of [['init'], ['migrate', 'up'], ['migrate', 'redo', '--dry-run']]) {
      expect(await run([...flags, ...command, '-o', format])).toMatchObject({ code: 0, stderr: '' })
    }
  }
})
