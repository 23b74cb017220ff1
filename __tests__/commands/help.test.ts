import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { COMMANDS } from '../../commands/index.ts'
import { packageRoot } from '../../src/package-root.ts'
import { run } from '../helpers/run.ts'

const NO_KEY = { env: { LIBREOLLAMA_DB_KEY_COMMAND: 'echo touched >&2; exit 1' } }

test('--help lists every command and every global option, and touches no key', async () => {
  const { code, stdout, stderr } = await run(['--help'], NO_KEY)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const { name, summary } of COMMANDS) {
    expect(stdout).toContain(name)
    expect(stdout.replace(/\s+/g, ' ')).toContain(summary)
  }
  for (const option of [
    '--db',
    '--key-file',
    '--key-command',
    '--dev-key',
    '--output',
    '--fields',
    '--no-input',
    '--timing',
  ]) {
    expect(stdout).toContain(option)
  }
})

test.each(COMMANDS.map(({ name, examples }) => [name, examples] as const))(
  '%s --help begins with examples',
  async (name, examples) => {
    const asked = await run([name, '--help'], NO_KEY)
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(asked.stdout.startsWith(`Examples:\n  ${examples[0]}`)).toBe(true)
    // exit-codes is a topic too, and `help` tells the codes themselves.
    if (name !== 'exit-codes') expect(await run(['help', name], NO_KEY)).toEqual(asked)
  },
)

test('help of a command below a command', async () => {
  const { code, stdout } = await run(['help', 'migrate', 'down'])
  expect(code).toBe(0)
  expect(stdout).toContain('--to <version>')
  expect(stdout.startsWith('Examples:\n  libreollama-db migrate down --to 0\n')).toBe(true)
  expect(
    (await run(['session', 'get', '--help'], NO_KEY)).stdout.startsWith(
      'Examples:\n  libreollama-db session ',
    ),
  ).toBe(true)
})

test.each(['environment', 'exit-codes', 'key-sources', 'scripting'])(
  'help %s explains the topic',
  async (topic) => {
    const { code, stdout, stderr } = await run(['help', topic], NO_KEY)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').length).toBeGreaterThan(8)
  },
)

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
  expect((await run(['--version'], NO_KEY)).stdout).toBe(`${version}\n`)
})

test('nothing at all prints the help on stderr and is a usage error', async () => {
  const { code, stdout, stderr } = await run([])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('verify-schema')
})
