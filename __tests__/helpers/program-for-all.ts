import { chmodSync, copyFileSync, existsSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { copyParts } from './package-copy.ts'

const ENGINE = join('node_modules', '@journeyapps', 'sqlcipher')
/** What the program needs of its package. */
const PARTS = [
  ...['package.json', 'migrations', join('dist', 'cli'), join('node_modules', 'bindings')],
  ...[join('node_modules', 'file-uri-to-path'), join('node_modules', '@napi-rs')],
  ...[
    join(ENGINE, 'package.json'),
    join(ENGINE, 'lib'),
    join(ENGINE, 'build', 'Release', 'node_sqlite3.node'),
  ],
]

let made: [node: string, script: string] | undefined
const folders: string[] = []

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/**
 * Node and the built program in a place that every user can enter; copied once for a test file, and gone
 * after it.
 */
export function programForAll(): [node: string, script: string] {
  made ??= copied()
  return made
}

function copied(): [node: string, script: string] {
  const root = mkdtempSync(join(temporaryPlace(), 'libreollama-db-program-'))
  folders.push(root)
  chmodSync(root, 0o755)
  copyParts(PARTS, root)
  let node = process.execPath
  if (!isOpenToAll(node)) {
    node = join(root, 'node')
    copyFileSync(process.execPath, node)
    chmodSync(node, 0o755)
  }
  return [node, join(root, 'dist', 'cli', 'libreollama-db.js')]
}

/**
 * Where temporary files go, with links resolved, as the program shows its paths; for root a place that other
 * users can enter too, as tests run the program as one of them.
 */
export function temporaryPlace(): string {
  const usual = realpathSync(tmpdir())
  if (process.getuid?.() !== 0) return usual
  return [usual, '/tmp', '/var/tmp'].find((place) => existsSync(place) && isOpenToAll(place)) ?? usual
}

/** Whether others may read a file or enter a folder, and enter all folders above it. */
function isOpenToAll(path: string): boolean {
  for (let place = realpathSync(path); ; place = dirname(place)) {
    if ((statSync(place).mode & 0o001) === 0) return false
    if (place === dirname(place)) return true
  }
}
