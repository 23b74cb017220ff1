// What `npm start` and `npm test` need before they can begin: the packages, and a build that is newer than its sources.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const engine = 'node_modules/@journeyapps/sqlcipher/build/Release/node_sqlite3.node'

/** Installs the locked packages where they are missing or older than the lock file. */
export function ensurePackages() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (existsSync(join(root, engine)) && newest(['package-lock.json']) <= modified(installed)) return
  console.error('Installing packages; the encryption engine is compiled, which takes about a minute …')
  run('npm', ['ci', '--no-audit', '--no-fund'])
}

/** Builds dist/ where it is missing or older than a source. */
export function ensureBuild() {
  const built = modified(join(root, 'dist', 'cli', 'libreollama-db.js'))
  if (
    newest(['bin', 'commands', 'src', 'scripts', 'package-lock.json', 'package.json', 'tsconfig.json']) <=
    built
  )
    return
  console.error('Building …')
  run(process.execPath, [join(root, 'scripts', 'build.mjs')])
}

/** Runs a program with this terminal; ends this one with its exit code when it fails. */
export function run(command, parameters, options = {}) {
  const { status, error } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit', ...options })
  if (error) console.error(`${command} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
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
