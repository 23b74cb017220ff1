import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineError } from '../../src/core/engine/engine.ts'
import { packageRoot } from '../../src/package-root.ts'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile, temporaryFolder } from '../helpers/folder.ts'
import { copyParts } from '../helpers/package-copy.ts'
import { errorOf, run } from '../helpers/run.ts'

/*
 * What package managers leave behind that do not compile the engine: pnpm, bun, and npm with --ignore-scripts.
 */

const ENGINE = join('node_modules', '@journeyapps', 'sqlcipher')

/** A copy of this package whose engine is not compiled, or is what `addon` says. */
function packageWithout(addon?: string): string {
  const root = temporaryFolder()
  const engine = ['lib', 'package.json'].map((name) => join(ENGINE, name))
  copyParts(['dist', 'migrations', 'package.json', ...engine], root)
  for (const name of ['bindings', 'file-uri-to-path', 'kysely'])
    symlinkSync(join(packageRoot(), 'node_modules', name), join(root, 'node_modules', name))
  if (addon === undefined) return root
  mkdirSync(join(root, ENGINE, 'build', 'Release'), { recursive: true })
  writeFileSync(join(root, ENGINE, 'build', 'Release', 'node_sqlite3.node'), addon)
  return root
}

test('without a compiled engine commands say so and how to build it; what needs none works', async () => {
  const root = packageWithout()
  const program = join(root, 'dist', 'cli', 'libreollama-db.js')
  const words = ['--db', await makeDatabase(), '--key-file', keyFile(RAW_KEY)]
  const error = errorOf(await run(['stats', '--json', ...words], { program }))
  expect(error).toMatchObject({ code: 'FAILURE', message: 'the encryption engine is not built' })
  for (const manager of ['npm', 'pnpm', 'bun']) expect(error.hint).toMatch(new RegExp(`\\b${manager} `))
  for (const line of ['--help', '--version', 'path', 'exit-codes', 'help key-sources'])
    expect([line, (await run(line.split(' '), { program })).code]).toEqual([line, 0])
  const script = `import(process.argv[1]).then(({ withDatabase }) => withDatabase({ path: process.argv[2], key: process.argv[3] }, async () => 0))
    .catch((error) => console.log(error.name, error.code, error.message))`
  const given = ['-e', script, join(root, 'dist', 'index.js'), words[1] ?? '', RAW_KEY]
  expect(execFileSync(process.execPath, given, { encoding: 'utf8' })).toBe(
    'AppError FAILURE the encryption engine is not built\n',
  )
})

test('an engine that the system cannot load is one that was built for another', async () => {
  const program = join(packageWithout('not of this system'), 'dist', 'cli', 'libreollama-db.js')
  const words = ['--db', await makeDatabase(), '--key-file', keyFile(RAW_KEY)]
  const error = errorOf(await run(['stats', '--json', ...words], { program }))
  expect(error).toMatchObject({
    code: 'FAILURE',
    message: expect.stringContaining('built for another system'),
  })
})

test.each([
  [
    'is missing',
    { code: 'ERR_MODULE_NOT_FOUND', message: "Cannot find package '@journeyapps/sqlcipher'" },
    'not installed',
  ],
  [
    'is of another Node',
    { code: 'ERR_DLOPEN_FAILED', message: 'NODE_MODULE_VERSION 108\nmore' },
    'NODE_MODULE_VERSION 108)',
  ],
  [
    'needs another GLIBC',
    { code: 'ERR_DLOPEN_FAILED', message: "`GLIBC_2.38' not found" },
    "`GLIBC_2.38' not found)",
  ],
])('the driver %s', (_situation, thrown, words) => {
  expect(engineError(Object.assign(new Error(thrown.message), thrown)).message).toContain(words)
})
