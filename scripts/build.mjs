// Type-checks, bundles the program and the library into dist/, writes the library's type declarations, and
// collects the licences of the bundled packages. A failed build leaves the last one unchanged.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { build, transform } from 'esbuild'
import { BUILT_FROM, sourceHash } from './ensure.mjs'

const root = join(import.meta.dirname, '..')
const target = join(root, 'dist')
const fresh = join(root, `dist.new-${process.pid}`)
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/**
 * Commander loads node:child_process at once, for a feature that is not used here; that adds 3 ms to every
 * start.
 */
const lazyChildProcess = {
  name: 'lazy-child-process',
  setup(builder) {
    const namespace = 'lazy'
    builder.onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace } : undefined,
    )
    builder.onLoad({ filter: /.*/, namespace }, () => ({
      contents: "module.exports = { get spawn() { return require('child_process').spawn } }",
    }))
  },
}

/** The replacement for `import.meta.url` in a CommonJS file. */
const MODULE_URL = "const __moduleUrl=require('node:url').pathToFileURL(__filename).href;"

const common = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.17',
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['@journeyapps/sqlcipher', '@napi-rs/keyring'],
  define: { __VERSION__: JSON.stringify(version) },
  metafile: true,
  logLevel: 'warning',
}

/** Packs of chunks, each named by a command that needs everything in it and in the packs before. */
const PACKS = { database: 'stats', records: 'session' }

const builtFrom = sourceHash()
mkdirSync(fresh)
try {
  checkTypes()
  const program = await build({
    ...common,
    entryPoints: { 'libreollama-db': 'bin/libreollama-db.ts' },
    plugins: [lazyChildProcess],
    outdir: join(fresh, 'cli'),
  })
  await toCommonJs(join(fresh, 'cli'))
  const beside = await build({
    ...common,
    entryPoints: { inspector: 'bin/inspector.ts', keychain: 'bin/keychain.ts' },
    splitting: false,
    format: 'cjs',
    define: { ...common.define, 'import.meta.url': '__moduleUrl' },
    banner: { js: MODULE_URL },
    outdir: join(fresh, 'cli'),
  })
  const library = await build({
    ...common,
    entryPoints: { index: 'src/index.ts' },
    outdir: fresh,
    external: [...common.external, 'kysely'],
    // CommonJS packages load Node's own modules with a function that modules do not have.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';const require=__createRequire(import.meta.url);",
    },
    minify: false, // its stack traces appear in other people's programs
  })
  const inputs = [program, beside, library].flatMap(({ metafile }) => Object.keys(metafile.inputs))
  writeFileSync(join(fresh, 'THIRD-PARTY-LICENSES.txt'), licenses(inputs))
  writeFileSync(join(fresh, BUILT_FROM), builtFrom)
  replaceTarget()
} finally {
  rmSync(fresh, { recursive: true, force: true })
}

/** Replaces the last build with the new one, even when another build does that at the same moment. */
function replaceTarget() {
  const old = join(root, `dist.old-${process.pid}`)
  for (let attempt = 1; ; attempt++) {
    try {
      if (existsSync(target)) renameSync(target, old)
      renameSync(fresh, target)
      break
    } catch (error) {
      if (attempt === 10) throw error
    } finally {
      rmSync(old, { recursive: true, force: true })
    }
  }
}

/**
 * Checks all types, and writes the declarations of the library. Prints errors for people to read, without a
 * stack trace.
 */
function checkTypes() {
  const types = join(fresh, 'types')
  const options = [
    '-p',
    '.',
    '--noEmit',
    'false',
    '--emitDeclarationOnly',
    '--declaration',
    '--outDir',
    types,
  ]
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const { status } = spawnSync(tsc, options, { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true })
    process.exit(1)
  }
  for (const folder of ['bin', 'commands', '__tests__', 'src/cli']) {
    rmSync(join(types, folder), { recursive: true, force: true })
  }
}

/**
 * Converts the program to CommonJS. The bundler splits only modules, and Node loads CommonJS faster by a
 * third of its own start-up time, so the files of the program are split first and converted one by one.
 */
async function toCommonJs(folder) {
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.js'))) {
    const file = join(folder, name)
    const { code } = await transform(readFileSync(file, 'utf8'), {
      format: 'cjs',
      platform: 'node',
      target: 'node20.17',
      minifySyntax: true,
      minifyWhitespace: true,
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': '__moduleUrl' },
    })
    const [shebang, rest] = code.startsWith('#!')
      ? [code.slice(0, code.indexOf('\n') + 1), code.slice(code.indexOf('\n') + 1)]
      : ['', code]
    writeFileSync(file, `${shebang}${code.includes('__moduleUrl') ? MODULE_URL : ''}${rest}`)
  }
  gatherChunks(folder, 'libreollama-db.js')
}

/**
 * Moves the chunks that every run needs into the program itself, and those that most commands need into a few
 * packs: opening each file costs a third of a millisecond. Code that needs a chunk gets it from the program,
 * so that each still exists once.
 */
function gatherChunks(folder, program) {
  const CHUNK = /require\("(\.\/chunk-\w+\.js)"\)/g
  const read = (name) => readFileSync(join(folder, name), 'utf8')
  const gathered = new Set()
  /** Collects the chunks that this code needs and that are in no pack yet, by name. */
  const gather = (code, pack = new Map()) => {
    for (const [, name] of code.matchAll(CHUNK)) {
      if (gathered.has(name)) continue
      gathered.add(name)
      pack.set(name, read(name))
      gather(pack.get(name), pack)
    }
    return pack
  }
  const tableOf = (pack) =>
    `{${[...pack].map(([name, code]) => `${JSON.stringify(name)}(module,exports,require){${code}\n}`).join(',')}}`

  const [shebang, ...lines] = read(program).split('\n')
  const main = lines.join('\n')
  const chunks = tableOf(gather(main))
  const packOf = {}
  for (const [name, command] of Object.entries(PACKS)) {
    const entry = readdirSync(folder).find((file) => new RegExp(`^${command}-\\w+\\.js$`).test(file))
    const pack = gather(read(entry))
    writeFileSync(join(folder, `${name}-pack.js`), `module.exports=${tableOf(pack)};\n`)
    for (const chunk of pack.keys()) packOf[chunk] = `./${name}-pack.js`
  }
  const loader =
    'function chunk(name){const had=loaded[name];if(had)return had.exports;' +
    'const make=chunks[name]??(packs[name]&&require(packs[name])[name]);if(!make)return require(name);' +
    'const m=loaded[name]={exports:{}};make(m,m.exports,chunk);return m.exports}module.exports={chunk};'
  const tables = `const chunks=${chunks},packs=${JSON.stringify(packOf)},loaded={};`
  for (const name of gathered) rmSync(join(folder, name))
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.js') || name === program || name.endsWith('-pack.js')) continue
    const ask = (call, chunk) => (gathered.has(chunk) ? `require("./${program}").chunk("${chunk}")` : call)
    writeFileSync(join(folder, name), read(name).replace(CHUNK, ask))
  }
  writeFileSync(join(folder, program), `${shebang}\n${tables}${loader}(require=>{${main}\n})(chunk);\n`)
  chmodSync(join(folder, program), 0o755)
}

function licenses(inputs) {
  const packages = inputs
    .map((input) => /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1])
    .filter(Boolean)
  return [...new Set(packages)].sort().map(licenseOf).join('\n')
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : ''
  return `${name} ${version} (${license})\n\n${text}\n\n${'-'.repeat(80)}\n`
}
