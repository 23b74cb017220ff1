// The prerequisites of `npm start` and `npm test`: the packages, and a build that is newer than its sources.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const engine = 'node_modules/@journeyapps/sqlcipher/build/Release/node_sqlite3.node'
/** The sources of dist/. */
const SOURCES = ['bin', 'commands', 'src', 'scripts', 'package-lock.json', 'package.json', 'tsconfig.json']
/** The file in dist/ that records the sources of the build. */
export const BUILT_FROM = 'built-from'

/** Installs the locked packages when they are missing or differ from the lock file. */
export function ensurePackages() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  const isNewer = newest(['package-lock.json']) <= modified(installed)
  if (existsSync(join(root, engine)) && (isNewer || isAsLocked(installed))) return
  console.error('Installing packages; the encryption engine is compiled, which takes about a minute …')
  run('npm', ['ci', '--no-audit', '--no-fund'])
}

/** Builds dist/ when it is missing or made from other sources. */
export function ensureBuild() {
  const program = join(root, 'dist', 'cli', 'libreollama-db.js')
  if (newest(SOURCES) <= modified(program)) return
  // A copy of a clone has new times.
  const record = join(root, 'dist', BUILT_FROM)
  if (existsSync(program) && existsSync(record) && readFileSync(record, 'utf8') === sourceHash()) return
  console.error('Building …')
  run(process.execPath, [join(root, 'scripts', 'build.mjs')])
}

/** Runs a program with this terminal; ends this one with its exit code when it fails. */
export function run(command, parameters, options = {}) {
  const { status, error } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit', ...options })
  if (error) console.error(`${command} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** Returns the SHA-256 over the names and bytes of all sources, hex. */
export function sourceHash() {
  const hash = createHash('sha256')
  for (const name of SOURCES.flatMap(filesAt).sort()) {
    hash.update(`${name}\n`)
    hash.update(readFileSync(join(root, name)))
  }
  return hash.digest('hex')
}

/** Returns the files at or below a path of the clone, by their relative paths. */
function filesAt(name) {
  if (!statSync(join(root, name)).isDirectory()) return [name]
  const entries = readdirSync(join(root, name), { recursive: true }).map((entry) => join(name, entry))
  return entries.filter((entry) => statSync(join(root, entry)).isFile())
}

/**
 * Returns true when the installed packages are those of the lock file; npm leaves out the optional ones of
 * other systems.
 */
function isAsLocked(installed) {
  if (!existsSync(installed)) return false
  const packagesOf = (path) => JSON.parse(readFileSync(path, 'utf8')).packages
  const present = packagesOf(installed)
  return Object.entries(packagesOf(join(root, 'package-lock.json'))).every(
    ([name, { version, integrity, optional }]) =>
      name === '' ||
      (present[name] ? present[name].version === version && present[name].integrity === integrity : optional),
  )
}

function newest(names) {
  return Math.max(
    ...names.map((name) => {
      const path = join(root, name)
      if (!statSync(path).isDirectory()) return modified(path)
      return Math.max(
        0,
        ...readdirSync(path, { recursive: true }).map((entry) => modified(join(path, entry))),
      )
    }),
  )
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0
}
