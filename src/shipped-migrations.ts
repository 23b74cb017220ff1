import { join } from 'node:path'
import { readMigrations } from './core/schema/migration-files.ts'
import type { Migration } from './core/schema/migrations.ts'
import { packageRoot } from './package-root.ts'

/** Reads the migrations that come with this package. */
export function shippedMigrations(): Promise<Migration[]> {
  return readMigrations(join(packageRoot(), 'migrations'))
}
