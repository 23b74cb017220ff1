import { platform } from 'node:os'
import envPaths from 'env-paths'
import { databasePath, defaultKeyFile } from '../../../src/core/database/location.ts'
import { runHere } from '../../helpers/in-process.ts'
import { errorOf } from '../../helpers/run.ts'

const testOnLinux = platform() === 'linux' ? test : test.skip

testOnLinux.each<[situation: string, env: Record<string, string>, database: string, keyFile: string]>([
  ['a home folder', { HOME: '/h' }, '/h/.local/share', '/h/.config'],
  ['folders of XDG', { HOME: '/h', XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c' }, '/d', '/c'],
  [
    'relative ones, which are invalid',
    { HOME: '/h', XDG_DATA_HOME: 'd', XDG_CONFIG_HOME: '~/c' },
    '/h/.local/share',
    '/h/.config',
  ],
  ['empty ones', { HOME: '/h', XDG_DATA_HOME: '', XDG_CONFIG_HOME: '' }, '/h/.local/share', '/h/.config'],
  ['no home folder but those of XDG', { HOME: '', XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c' }, '/d', '/c'],
])('the default places with %s', (_situation, env, database, keyFile) => {
  expect(databasePath(undefined, env)).toBe(`${database}/LibreOllama/database.db`)
  expect(defaultKeyFile(env)).toBe(`${keyFile}/LibreOllama/database.key`)
})

testOnLinux.each([
  ['is empty', '', /HOME is empty/],
  ['is relative', 'home', /HOME is not absolute: home/],
])('a HOME that %s is refused, and nothing is made in the current folder', async (_case, HOME, says) => {
  for (const command of ['path', 'init', 'stats', 'session list']) {
    const result = await runHere([...command.split(' '), '--key-file', '/none', '--json'], { env: { HOME } })
    expect(errorOf(result)).toMatchObject({
      exit: 2,
      message: expect.stringMatching(says),
      hint: expect.stringMatching(/HOME.*--db <path>/),
    })
  }
  const named = await runHere(['path', '--db', '/a/b.db'], { env: { HOME } })
  expect(named).toMatchObject({ code: 0, stdout: '/a/b.db\n' })
})

test('an empty LIBREOLLAMA_DB is named; --db wins over it', async () => {
  const env = { LIBREOLLAMA_DB: '' }
  expect(errorOf(await runHere(['stats', '--json'], { env }))).toMatchObject({
    exit: 2,
    message: expect.stringContaining('LIBREOLLAMA_DB'),
  })
  expect((await runHere(['path', '--db', '/a.db'], { env })).stdout).toBe('/a.db\n')
})

test('the default places are those that env-paths gives on this platform', () => {
  const { data, config } = envPaths('LibreOllama', { suffix: '' })
  if (platform() !== 'win32') expect(databasePath(undefined, process.env)).toBe(`${data}/database.db`)
  expect(defaultKeyFile(process.env)).toBe(`${config}/database.key`)
})
