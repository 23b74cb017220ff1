import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'
import { temporaryPlace } from './program-for-all.ts'
import { run } from './run.ts'

export const PASSPHRASE = "correct horse 'battery' staple"

const made: string[] = []

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder of its own, gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(temporaryPlace(), 'libreollama-db-'))
  made.push(folder)
  return folder
}

/** The same in a place whose name fits into the address of a socket: short and of plain characters. */
export function socketFolder(): string {
  const places = [temporaryPlace(), '/tmp', '/var/tmp'].filter((place) => existsSync(place))
  const place = places.find((one) => /^[\w/.-]{1,60}$/.test(one)) ?? temporaryPlace()
  const folder = mkdtempSync(join(place, 'libreollama-db-'))
  made.push(folder)
  return folder
}

/** A file with this key, as the program wants it: for its owner alone. */
export function keyFile(content: string | Buffer = PASSPHRASE, folder = temporaryFolder()): string {
  const path = join(folder, 'key')
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

/** A copy of a sample database in a folder of its own. */
export function fixture(name: string): string {
  const path = join(temporaryFolder(), name)
  copyFileSync(join(packageRoot(), '__tests__', 'fixtures', name), path)
  chmodSync(path, 0o600)
  return path
}

/** A new database with a generated key. */
export async function newDatabase(): Promise<{ db: string; key: string; words: string[]; folder: string }> {
  const folder = temporaryFolder()
  const db = join(folder, 'database.db')
  const key = join(folder, 'key')
  const { code, stderr } = await run(['init', '--db', db, '--key-file', key, '--generate-key', '--json'])
  if (code !== 0) throw new Error(`init failed: ${stderr}`)
  return { db, key, folder, words: ['--db', db, '--key-file', key] }
}

/** Every file below a folder with a hash of its content: equal before and after, when nothing was touched. */
export function snapshot(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    entries.map((entry) => {
      const status = statSync(join(folder, entry))
      const content = status.isFile()
        ? createHash('sha256')
            .update(readFileSync(join(folder, entry)))
            .digest('hex')
        : ''
      return [entry, `${status.mode.toString(8)} ${content}`]
    }),
  )
}

/** The same without the -shm, which is only an index in memory and changes when a database is merely read. */
export function durable(folder: string): Record<string, string> {
  return Object.fromEntries(Object.entries(snapshot(folder)).filter(([name]) => !name.endsWith('-shm')))
}
