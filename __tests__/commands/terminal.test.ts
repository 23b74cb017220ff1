import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fixture, newDatabase, PASSPHRASE, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { run } from '../helpers/run.ts'
import { CTRL_C, DOWN, ENTER, onTerminal, testOnTerminal } from '../helpers/terminal.ts'

testOnTerminal(
  'init asks how to protect the database; a passphrase is typed twice and never shown',
  async () => {
    const db = join(temporaryFolder(), 'a.db')
    const { code, screen } = await onTerminal(
      ['init', '--db', db],
      [
        [/How shall/, `${DOWN}${ENTER}`],
        [/New passphrase/, `two words${ENTER}`],
        [/same again/, `too words${ENTER}`],
        [/differ[\s\S]*New passphrase/, `two words${ENTER}`],
        [/same again/, `two words${ENTER}`],
        [/key sheet/, ENTER],
      ],
    )
    expect({ code, shown: screen.includes('words') }).toEqual({ code: 0, shown: false })
    expect((await run(['stats', '--db', db, '--key-command', 'echo two words'])).code).toBe(0)
  },
)

testOnTerminal('init generates a key file in the configuration folder when that is chosen', async () => {
  const home = temporaryFolder()
  const env = { HOME: home, XDG_DATA_HOME: join(home, 'data'), XDG_CONFIG_HOME: join(home, 'config') }
  const { code, screen } = await onTerminal(
    ['init'],
    [
      [/How shall/, ENTER],
      [/key sheet/, ENTER],
    ],
    env,
  )
  expect(code).toBe(0)
  const key = /key file: (.+?\.key)/.exec(screen)?.[1] ?? ''
  expect(statSync(key).mode & 0o777).toBe(0o600)
  const hex = readFileSync(key, 'utf8').trim().slice(2, -1)
  expect(screen).not.toContain(hex)
  expect((await run(['stats', '--key-file', key], { env })).code).toBe(0)
})

testOnTerminal('declining makes nothing and is exit 17', async () => {
  const folder = temporaryFolder()
  const answers: [RegExp, string][] = [[/How shall/, `${DOWN}${DOWN}${ENTER}`]]
  const { code, screen } = await onTerminal(['init', '--db', join(folder, 'a.db')], answers)
  expect(code).toBe(17)
  expect(screen).toContain('DECLINED')
  expect(snapshot(folder)).toEqual({})
})

testOnTerminal('Ctrl-C at a question makes nothing and is exit 130', async () => {
  const folder = temporaryFolder()
  for (const answers of [
    [[/How shall/, CTRL_C]],
    [
      [/How shall/, `${DOWN}${ENTER}`],
      [/New passphrase/, `abc${CTRL_C}`],
    ],
  ]) {
    const { code } = await onTerminal(['init', '--db', join(folder, 'a.db')], answers as [RegExp, string][])
    expect(code).toBe(130)
  }
  expect(snapshot(folder)).toEqual({})
})

testOnTerminal('the passphrase of an existing database is asked for', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const { code, screen } = await onTerminal(
    ['stats', '--db', db],
    [[/Passphrase or key/, `${PASSPHRASE}${ENTER}`]],
  )
  expect(code).toBe(0)
  expect(screen).toContain('messages')
  expect(screen).toContain('226')
  expect(screen).not.toContain('horse')
  const wrong = await onTerminal(['stats', '--db', db], [[/Passphrase or key/, `wrong${ENTER}`]])
  expect(wrong.code).toBe(12)
})

testOnTerminal('nothing is asked with --no-input or CI: exit 2, naming the flag', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  for (const [words, env] of [
    [['--no-input'], {}],
    [[], { CI: 'true' }],
  ] as [string[], Record<string, string>][]) {
    const { code, screen } = await onTerminal(['stats', '--db', db, ...words], [], env)
    expect(code).toBe(2)
    expect(screen).toContain('--key-file')
  }
})

testOnTerminal('a file that needs no key to be explained asks for none', async () => {
  const { code, screen } = await onTerminal(['stats', '--db', fixture('app-v14-plaintext.db')], [])
  expect(code).toBe(14)
  expect(screen).toContain("LibreOllama's own database")
})

testOnTerminal('going down without a copy asks, and no means no', async () => {
  const { words, folder } = await newDatabase()
  const before = snapshot(folder)
  const down = ['migrate', 'down', '--to', '0', '--no-backup', ...words]
  expect((await onTerminal(down, [[/Go on\?/, `n${ENTER}`]])).code).toBe(17)
  expect(snapshot(folder)).toEqual(before)
  expect((await onTerminal(down, [[/Go on\?/, `y${ENTER}`]])).code).toBe(0)
  expect(existsSync(join(folder, 'backups'))).toBe(false)
})

testOnTerminal('a key is never read from standard input when that is a terminal', async () => {
  const { code, screen } = await onTerminal(
    ['stats', '--db', fixture('phase21-passphrase.sqlcipher4.db'), '--key-file', '-'],
    [],
  )
  expect(code).toBe(2)
  expect(screen).toContain('is a terminal')
})

testOnTerminal('deleting asks, telling what goes along, and no means no', async () => {
  const { words, folder } = await newDatabase()
  const { id } = JSON.parse((await run(['session', 'create', '--title', 't', ...words, '--json'])).stdout)
  await run(['message', 'create', '--session', id, '--role', 'user', '--content', 'c', ...words])
  const before = snapshot(folder)
  const question = /Delete 1 session, and with it 1 of chat_messages\?/
  expect((await onTerminal(['session', 'delete', id, ...words], [[question, `n${ENTER}`]])).code).toBe(17)
  expect(snapshot(folder)).toEqual(before)
  expect((await onTerminal(['session', 'delete', id, ...words], [[question, `y${ENTER}`]])).code).toBe(0)
  expect((await run(['session', 'list', ...words, '--json'])).stdout).toBe('[]\n')
})

testOnTerminal(
  'rekey asks for the new protection, and never takes the name of a key file that exists',
  async () => {
    const home = temporaryFolder()
    const env = { HOME: home, XDG_DATA_HOME: join(home, 'data'), XDG_CONFIG_HOME: join(home, 'config') }
    const answers: [RegExp, string][] = [
      [/How shall/, ENTER],
      [/key sheet/, ENTER],
    ]
    const made = await onTerminal(['init'], answers, env)
    const first = /key file: (.+?\.key)/.exec(made.screen)?.[1] ?? ''
    const { code, screen } = await onTerminal(['rekey', '--key-file', first], [[/How shall/, ENTER]], env)
    expect(code).toBe(0)
    const second = /key file: (.+?\.key)/.exec(screen)?.[1] ?? ''
    expect(second).toBe(first.replace('.key', '-2.key'))
    expect((await run(['stats', '--key-file', second], { env })).code).toBe(0)
  },
)

testOnTerminal(
  'prune shows what goes and asks; restore names what it replaces and asks; no means no',
  async () => {
    const { words, folder } = await newDatabase()
    for (let made = 0; made < 2; made++) await run(['backup', ...words])
    const before = snapshot(folder)
    const prune = ['backup', 'prune', '--keep-last', '1', ...words]
    const restore = ['restore', 'latest', ...words]
    const shown = /remove {2}.*database-\d{8}T\d{9}Z\.db[\s\S]*Remove 1 backup\?/
    const named = /Replace [\s\S]*database\.db[\s\S]*10 rows[\s\S]*kept/
    expect((await onTerminal(prune, [[shown, `n${ENTER}`]])).code).toBe(17)
    expect((await onTerminal(restore, [[named, `n${ENTER}`]])).code).toBe(17)
    expect((await onTerminal([...restore, '--no-input'], [])).code).toBe(2)
    expect(snapshot(folder)).toEqual(before)
    expect((await onTerminal(prune, [[shown, `y${ENTER}`]])).code).toBe(0)
    expect((await onTerminal(restore, [[named, `y${ENTER}`]])).code).toBe(0)
    expect((await onTerminal([...restore, '--yes'], [])).code).toBe(0)
    expect(Object.keys(snapshot(folder)).filter((name) => name.startsWith('backups/'))).toHaveLength(2)
  },
)
