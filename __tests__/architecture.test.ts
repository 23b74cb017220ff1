import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { packageRoot } from '../src/package-root.ts'

const root = packageRoot()

/** Every source file with what it imports: paths from the root for our own, names for packages. */
const imports = new Map(
  ['bin', 'commands', 'src'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [join(folder, name), importsOf(join(folder, name))] as const),
  ),
)

function importsOf(file: string): { target: string; typeOnly: boolean; lazy: boolean }[] {
  const source = readFileSync(join(root, file), 'utf8')
  const found = [
    ...source.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?from '([^']+)'/gm),
    ...source.matchAll(/^import()? '([^']+)'/gm),
    ...source.matchAll(/()\bimport\('([^']+)'\)/g),
  ]
  return found.map(([text, type, name = '']) => ({
    target: name.startsWith('.') ? relative(root, resolve(root, dirname(file), name)) : name,
    typeOnly: Boolean(type),
    lazy: text.startsWith('import('),
  }))
}

const below = (folder: string) => [...imports].filter(([file]) => file.startsWith(`${folder}/`))

test.each([
  ['src/core', ['src/core/', 'node:', '@journeyapps/sqlcipher', 'kysely', 'zod', 'uuid', 'yauzl']],
  [
    'src/cli',
    [
      'src/cli/',
      'src/core/',
      'src/shipped-migrations.ts',
      'src/own-program.ts',
      'node:',
      'commander',
      'inquirer',
      'cli-table3',
    ],
  ],
  ['commands', ['commands/', 'src/', 'node:', 'commander']],
  ['bin', ['bin/', 'commands/', 'src/', 'node:', 'commander', '@napi-rs/keyring']],
])('%s imports only what lies below it', (folder, allowed) => {
  const wrong = below(folder).flatMap(([file, targets]) =>
    targets
      .filter(({ target }) => !allowed.some((start) => target.startsWith(start)))
      .map(({ target }) => `${file} → ${target}`),
  )
  expect(wrong).toEqual([])
})

test('only core/engine.ts imports the driver', () => {
  const importers = [...imports].filter(([, targets]) =>
    targets.some(({ target }) => target.includes('sqlcipher')),
  )
  expect(importers.map(([file]) => file)).toEqual(['src/core/engine.ts'])
})

test('core knows no terminal: no process, no console, no printing', () => {
  for (const [file] of below('src/core')) {
    expect([file, /\b(process|console)\.\w/.test(readFileSync(join(root, file), 'utf8'))]).toEqual([
      file,
      false,
    ])
  }
})

test('no command asks which output format it is', () => {
  for (const [file] of below('commands')) {
    expect([file, /\.format\b|options\.json/.test(readFileSync(join(root, file), 'utf8'))]).toEqual([
      file,
      false,
    ])
  }
})

test('no command writes to a stream past the functions that escape data', () => {
  for (const [file] of below('commands')) {
    const source = readFileSync(join(root, file), 'utf8')
    expect([file, /\bstd(out|err)\.write\b|\bprocess\.|\bconsole\./.test(source)]).toEqual([file, false])
  }
})

test('there are no circles', () => {
  const visit = (file: string, path: string[]): string[] => {
    if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file].join(' → ')]
    const targets =
      imports.get(file)?.filter(({ target, typeOnly, lazy }) => imports.has(target) && !typeOnly && !lazy) ??
      []
    return targets.flatMap(({ target }) => visit(target, [...path, file]))
  }
  expect([...imports.keys()].flatMap((file) => visit(file, []))).toEqual([])
})

test('the program loads a command, and what is heavy, only when it is called', () => {
  const loaded = new Set<string>()
  const load = (file: string) => {
    for (const { target, typeOnly, lazy } of imports.get(file) ?? []) {
      if (typeOnly || lazy || loaded.has(target)) continue
      loaded.add(target)
      load(target)
    }
  }
  load('bin/libreollama-db.ts')
  const heavy = [
    '@journeyapps/sqlcipher',
    'inquirer',
    'kysely',
    'zod',
    'zod/mini',
    'cli-table3',
    'src/core/database.ts',
  ]
  expect(
    [...loaded].filter((target) => heavy.includes(target) || /^commands\/(?!index)/.test(target)),
  ).toEqual([])
})
