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
      'src/helper-programs.ts',
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

test('only core/engine/engine.ts imports the driver', () => {
  const importers = [...imports].filter(([, targets]) =>
    targets.some(({ target }) => target.includes('sqlcipher')),
  )
  expect(importers.map(([file]) => file)).toEqual(['src/core/engine/engine.ts'])
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

test('there are no circles, of types and of what is loaded later neither', () => {
  const state = new Map<string, 'open' | 'done'>()
  const circles: string[] = []
  const visit = (file: string, path: string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const { target } of imports.get(file) ?? []) if (imports.has(target)) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of imports.keys()) visit(file, [])
  expect(circles).toEqual([])
})

/** The rooms of core, each with those before it; what is in none stands below all. */
const ROOMS: Record<string, string[]> = {
  files: [],
  keys: ['files'],
  engine: ['keys'],
  database: ['engine'],
  query: ['database'],
  schema: ['database'],
  records: ['query', 'schema'],
  search: ['records'],
  copy: ['schema'],
  backup: ['copy'],
  operations: ['backup', 'search'],
  checks: ['copy', 'search'],
  transfer: ['search'],
}

const roomOf = (file: string) => /^src\/core\/(\w+)\//.exec(file)?.[1]

/** A room, and all that are before it. */
const reachable = (room: string): string[] => [room, ...(ROOMS[room] ?? []).flatMap(reachable)]

test('each room of core imports only from rooms before it, types and what is loaded later included', () => {
  const wrong = below('src/core').flatMap(([file, targets]) => {
    const room = roomOf(file)
    const allowed = room === undefined ? [] : reachable(room)
    return targets
      .filter(({ target }) => target.startsWith('src/core/') && roomOf(target) !== undefined)
      .filter(({ target }) => !allowed.includes(roomOf(target) ?? ''))
      .map(({ target }) => `${file} → ${target}`)
  })
  expect(wrong).toEqual([])
  expect([...new Set(below('src/core').map(([file]) => roomOf(file)))].filter(Boolean).sort()).toEqual(
    Object.keys(ROOMS).sort(),
  )
})

/** Marks in files, which have to stay as they are: of key sheets, fingerprints and temporary files. */
const MARKS = /'libreollama-db (key sheet, format 1|key )|`libreollama-db key \$|'libreollama-db-\w+-'/g

test('no text in core holds an option or the name of the program: a library user never reads a flag', () => {
  const wrong = below('src/core').flatMap(([file]) => {
    if (file.endsWith('/html-style.ts')) return [] // whose properties of CSS begin so
    const source = readFileSync(join(root, file), 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/(^|\s)\/\/.*$/gm, '')
      .replace(MARKS, '')
      .replace(/\(--\w+\./g, '') // counts down
    return [...source.matchAll(/^.*(?:(?<!&& )--[a-z]{3}|libreollama-db).*$/gm)].map(
      ([line]) => `${file}: ${line.trim()}`,
    )
  })
  expect(wrong).toEqual([])
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
    'src/core/database/database.ts',
  ]
  expect(
    [...loaded].filter((target) => heavy.includes(target) || /^commands\/(?!index)/.test(target)),
  ).toEqual([])
})
