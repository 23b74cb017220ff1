import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { COMMANDS } from '../commands/index.ts'
import { OUTCOMES } from '../src/core/errors.ts'
import { packageRoot } from '../src/package-root.ts'
import { temporaryFolder } from './helpers/folder.ts'
import { cleanEnvironment, PROGRAM } from './helpers/run.ts'

const root = packageRoot()
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const readme = read('README.md')

test('the table of exit codes in the README is the one in the code', () => {
  const rows = OUTCOMES.map(({ exit, code, when }) => `| ${exit} | ${code} | ${when} |`)
  expect(readme).toContain(`| code | name | when |\n|---|---|---|\n${rows.join('\n')}\n`)
})

test.each(COMMANDS.map(({ name, summary, examples }) => [name, summary, examples] as const))(
  '%s has a summary, examples, and a row in the README',
  (name, summary, examples) => {
    expect(summary).toMatch(/^[a-z].*[^.]$/)
    expect(examples.every((example) => example.includes(`libreollama-db ${name}`) || name === 'path')).toBe(
      true,
    )
    expect(readme).toMatch(new RegExp(`^\\| \`${name}\` \\| .`, 'm'))
  },
)

/** Runs the README's console blocks in one shell session and gives each command with what it printed. */
function session(commands: string[]): string[] {
  const home = temporaryFolder()
  mkdirSync(join(home, 'bin'))
  symlinkSync(PROGRAM, join(home, 'bin', 'libreollama-db'))
  copyFileSync(
    join(root, '__tests__', 'fixtures', 'transfer', 'chatgpt.json'),
    join(home, 'chatgpt-export.json'),
  )
  const marker = '--- next ---'
  const script = commands.map((command) => `${command}\necho '${marker}'`).join('\n')
  const env = cleanEnvironment({ HOME: home })
  const { stdout } = spawnSync('bash', ['-c', script], {
    cwd: home,
    env: { ...env, PATH: `${join(home, 'bin')}:${env.PATH}` },
    encoding: 'utf8',
  })
  // What differs from run to run or place to place is evened out on both sides.
  return stdout.replaceAll(home, '/home/ada').split(`${marker}\n`).map(mask)
}

const mask = (text: string) =>
  text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>')
    .replace(/\d{8}T\d{9}Z/g, '<stamp>')
    .replace(/\d{4}-\d\d-\d\d/g, '<day>')
    .replace(/^(fingerprint +)[0-9a-f]{16}$/gm, '$1<fingerprint>')

test('the README shows what its commands print', () => {
  const blocks = [...readme.matchAll(/^```console\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const shown = blocks.flatMap((block) => block.split(/^\$ /m).slice(1))
  const commands = shown.map((entry) => entry.slice(0, entry.indexOf('\n')))
  const expected = shown.map((entry) => mask(entry.slice(entry.indexOf('\n') + 1)).trim())
  expect(
    session(commands)
      .slice(0, -1)
      .map((text) => text.trim()),
  ).toEqual(expected)
})

test('the library example of the README runs', () => {
  const [, source = ''] = /^```ts\n([\s\S]*?)^```/m.exec(readme) ?? []
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'libreollama-db'))
  writeFileSync(join(folder, 'example.mjs'), source)
  const printed = execFileSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' })
  expect(printed).toBe('assistant Its **starch** turns firm again as it cools.\nassistant user\n')
})

test('every package that the project uses has its line in docs/dependencies.md', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'))
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    expect(read('docs/dependencies.md')).toContain(name)
  }
})

test('every link between the documents leads to a file', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  ]
  for (const document of documents) {
    for (const [, target = ''] of read(document).matchAll(/\]\(([^)#:]+)\)/g)) {
      expect(() => readFileSync(resolve(root, dirname(document), target))).not.toThrow()
    }
  }
})
