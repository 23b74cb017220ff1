import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Backup, createBackup } from '../../src/core/backup/backup.ts'
import { type Inspect, inspectFile } from '../../src/core/copy/inspect.ts'
import type { Database } from '../../src/core/database/database.ts'
import { withDatabase } from '../../src/core/database/database.ts'
import { Key } from '../../src/core/keys/key.ts'
import { initDatabase } from '../../src/core/operations/init.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'
import { temporaryFolder } from './folder.ts'

/** A raw key of one repeated byte. */
export const keysOf = (byte: string) => async () => [new Key(`x'${byte.repeat(32)}'`)]

/** A database under a key of its own, and what the functions about its backups take. */
export interface Made {
  path: string
  keys: () => Promise<Key[]>
  inspect: Inspect
  /** What was told by the way; `warn` adds to it. */
  warnings: string[]
  warn: (message: string) => void
}

/** A new database. */
export async function makeDatabaseAt(name: string, key = '5a', folder = temporaryFolder()): Promise<Made> {
  const path = join(folder, name)
  const warnings: string[] = []
  const inspect: Made['inspect'] = (request) => inspectFile(request)
  const made = {
    path,
    keys: keysOf(key),
    inspect,
    warnings,
    warn: (message: string) => void warnings.push(message),
  }
  await initDatabase({ ...made, migrations: await shippedMigrations() })
  return made
}

/** Writes to a database, in one transaction. */
export function write(made: Pick<Made, 'path' | 'keys'>, ...statements: string[]): Promise<void> {
  return withDatabase({ ...made, access: 'write' }, (db: Database) =>
    db.exclusively(async (writer) => {
      for (const sql of statements) await writer.exec(sql)
    }),
  )
}

/** A backup that is dated so many days ago, its name too; negative ones are in the future. */
export async function backupFrom(made: Made, daysAgo: number, folder?: string): Promise<Backup> {
  const moment = new Date(Date.now() - daysAgo * 86_400_000)
  return createBackup({ ...made, folder, now: () => moment })
}

/** Changes what the manifest of a backup says. */
export function editManifest(backup: string, change: object): void {
  const manifest = JSON.parse(readFileSync(`${backup}.json`, 'utf8'))
  writeFileSync(`${backup}.json`, JSON.stringify({ ...manifest, ...change }))
}

/** A second name of a backup, with a manifest of its own. */
export function copyBackup(backup: string, name: string): string {
  const copy = join(dirname(backup), name)
  for (const end of ['', '.json']) copyFileSync(backup + end, copy + end)
  return copy
}

/** The names of files, without their folders. */
export const namesOf = (backups: { path: string }[]) => backups.map(({ path }) => basename(path))
