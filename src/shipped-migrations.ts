import { join } from 'node:path'
import { readMigrations } from './core/migration-files.ts'
import type { Migration } from './core/migrations.ts'
import { packageRoot } from './package-root.ts'

/** The migrations that come with this package. */
export function shippedMigrations(): Promise<Migration[]> {
  return readMigrations(join(packageRoot(), 'migrations'))
}
