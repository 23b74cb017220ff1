import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'
import { temporaryFolder } from './folder.ts'
import { copyParts } from './package-copy.ts'

/**
 * A copy of the built program with migrations of its own: more files, or others in place of the shipped ones.
 */
export function programWithMigrations(files: Record<string, string>): string {
  const root = temporaryFolder()
  copyParts(['migrations', join('dist', 'cli')], root)
  symlinkSync(join(packageRoot(), 'node_modules'), join(root, 'node_modules'))
  mkdirSync(join(root, 'migrations'), { recursive: true })
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(root, 'migrations', name), sql)
  return join(root, 'dist', 'cli', 'libreollama-db.js')
}

/** The newest version that ships, and the files of one more, to have something pending. */
export const LATEST = readdirSync(join(packageRoot(), 'migrations')).length / 2
export const NEXT = LATEST + 1
export const nextMigration = (up: string, down: string) => ({
  [`000${NEXT}_next.up.sql`]: up,
  [`000${NEXT}_next.down.sql`]: down,
})
export const NEXT_MIGRATION = nextMigration('CREATE TABLE notes (id TEXT PRIMARY KEY);', 'DROP TABLE notes;')
