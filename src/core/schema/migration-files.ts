import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { findMisfit } from './migration-sql.ts'
import type { Migration } from './migrations.ts'

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.(up|down)\.sql$/
const REINSTALL = 'put the migrations folder back as it was shipped: reinstall this program'

/**
 * Reads the migrations of a folder, by version from 1. Ignores hidden files, other kinds of files and
 * folders. Throws MIGRATION_FAILED, naming the file, for an invalid name, a missing half of a pair, a gap,
 * two files of one version, and SQL that would leave the transaction of its step.
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const { createHash } = await import('node:crypto') // not loaded by commands that only compare versions
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const names = await migrationNames(folder)
  const halves = new Map<string, string>()
  for (const name of names) {
    const [, version, title, direction] =
      FILE_NAME.exec(name) ?? refuse(`${name} is not named like 0001_name.up.sql`)
    const half = `${Number(version)}.${direction}`
    if (halves.has(half)) refuse(`${halves.get(half)} and ${name} both claim version ${Number(version)}`)
    halves.set(half, name)
    const twin = `${version}_${title}.${direction === 'up' ? 'down' : 'up'}.sql`
    if (!names.includes(twin)) refuse(`${name} has no ${twin} beside it`)
  }
  const migrations: Migration[] = []
  for (let version = 1; version <= halves.size / 2; version++) {
    const upName =
      halves.get(`${version}.up`) ?? refuse(`version ${version} is missing between the files that are there`)
    const downName = upName.replace(/up\.sql$/, 'down.sql')
    const written = await readText(folder, upName)
    const up = runnable(upName, written)
    const down = runnable(downName, await readText(folder, downName))
    migrations.push({
      version,
      name: FILE_NAME.exec(upName)?.[2] ?? '',
      up,
      down,
      checksum: sha256(up),
      sameText: [sha256(written), sha256(up.replace(/\n/g, '\r\n'))],
    })
  }
  return migrations
}

/** Lists the files that claim to be migrations, unlike what editors, macOS and Windows leave in folders. */
async function migrationNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw unreadable(error, folder)
  })
  const names: string[] = []
  for (const entry of entries) {
    const { name } = entry
    if (name.startsWith('.') || !/\.sql$/i.test(name)) continue
    const kind = entry.isSymbolicLink()
      ? await stat(join(folder, name)).catch((error) => {
          throw unreadable(error, join(folder, name))
        })
      : entry
    if (kind.isDirectory()) continue
    if (!kind.isFile()) refuse(`${name} is not a file`)
    names.push(name)
  }
  return names.sort()
}

async function readText(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), 'utf8')
  } catch (error) {
    throw unreadable(error, join(folder, name))
  }
}

function unreadable(error: unknown, path: string): unknown {
  const code = systemErrorCode(error)
  if (code === 'ENOENT') return new AppError('MIGRATION_FAILED', `${path} is missing`, { hint: REINSTALL })
  return explainSystemError(error, path)
}

/**
 * Returns the SQL as it is run, the same however the file got here: git and editors change line ends and
 * prepend a byte order mark, neither of which matters.
 */
function runnable(name: string, written: string): string {
  const sql = written.replace(/^\uFEFF/, '').replace(/\r\n/g, '\n')
  const misfit = findMisfit(sql)
  if (misfit) {
    refuse(
      `${name}, line ${misfit.line}: ${misfit.problem}`,
      'take that statement out of the file; if the file came with this program, reinstall the program',
    )
  }
  return sql
}

function refuse(message: string, hint = REINSTALL): never {
  throw new AppError('MIGRATION_FAILED', message, { hint })
}
