import { join } from 'node:path'
import { type Database, withDatabase } from '../../src/core/database/database.ts'
import { Key } from '../../src/core/keys/key.ts'
import { initDatabase } from '../../src/core/operations/init.ts'
import { inspectElsewhere } from '../../src/helper-programs.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'
import { temporaryFolder } from './folder.ts'

export const RAW_KEY = `x'${'5a'.repeat(32)}'`
export const keys = async () => [new Key(RAW_KEY)]

/** A new encrypted database at the latest version; resolves to its path. */
export async function makeDatabase(): Promise<string> {
  const path = join(temporaryFolder(), 'database.db')
  await initDatabase({ path, keys, migrations: await shippedMigrations(), inspect: inspectElsewhere })
  return path
}

/** Runs `work` on a new database that may be written. */
export async function withTestDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  return withDatabase({ path: await makeDatabase(), keys, access: 'write' }, work)
}
