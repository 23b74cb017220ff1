// Type-checks, bundles into dist/ (each command a file of its own, loaded when it is called), writes the type
// declarations of the library, and collects the licences of what was bundled.
import { execFileSync } from 'node:child_process'
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
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const target = join(root, 'dist')
const fresh = join(root, `dist.new-${process.pid}`)

if (!process.argv.includes('--bundle-only')) {
  execFileSync(bin('tsc'), ['-p', '.'], { cwd: root, stdio: 'inherit' })
}

mkdirSync(fresh)
try {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { 'libreollama-db': 'bin/libreollama-db.ts', index: 'src/index.ts' },
    outdir: fresh,
    bundle: true,
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.17',
    external: ['@journeyapps/sqlcipher'],
    define: { __VERSION__: JSON.stringify(version) },
    // Bundled CommonJS asks for Node's own modules through `require`, which a module does not have.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    metafile: true,
    logLevel: 'warning',
  })
  execFileSync(
    bin('tsc'),
    [
      '-p',
      '.',
      '--noEmit',
      'false',
      '--emitDeclarationOnly',
      '--declaration',
      '--outDir',
      join(fresh, 'types'),
    ],
    { cwd: root, stdio: 'inherit' },
  )
  for (const folder of ['bin', 'commands', '__tests__'])
    rmSync(join(fresh, 'types', folder), { recursive: true, force: true })
  writeFileSync(join(fresh, 'THIRD-PARTY-LICENSES.txt'), licenses(Object.keys(metafile.inputs)))
  chmodSync(join(fresh, 'libreollama-db.js'), 0o755)
  rmSync(target, { recursive: true, force: true })
  renameSync(fresh, target)
} finally {
  rmSync(fresh, { recursive: true, force: true })
}

function licenses(inputs) {
  const packages = new Set(
    inputs.map((input) => /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]).filter(Boolean),
  )
  return [...packages].sort().map(licenseOf).join('\n')
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry))
  const text =
    file && existsSync(join(root, folder, file)) ? readFileSync(join(root, folder, file), 'utf8').trim() : ''
  return `${name} ${version} (${license})\n\n${text}\n\n${'-'.repeat(80)}\n`
}
