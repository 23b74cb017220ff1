import { dirname, join, parse } from 'node:path'
import type { Database } from './database.ts'
import { AppError, explainSystemError } from './errors.ts'
import { createFile, discardDatabase, makeFolderFor, publishFile } from './new-file.ts'
import { countRows } from './row-counts.ts'

/** Copies the database to `backups/` beside it, named after the moment and the version; resolves to the path. */
export async function backupBefore(db: Database, version: number, moment: Date): Promise<string> {
  const { dir, name } = parse(db.facts.realPath)
  const stamp = moment.toISOString().replace(/[-:.]/g, '')
  const target = join(dir, 'backups', `${name}-${stamp}-before-migrating-v${version}.db`)
  await copyDatabase(db, target)
  return target
}

/**
 * Writes a copy under the same key to `target`, which must not exist: made under a temporary name, proven (it opens,
 * it is sound, every table has its rows), and only then given its name.
 */
export async function copyDatabase(db: Database, target: string): Promise<void> {
  await makeFolderFor(target)
  const part = `${target}.part`
  try {
    await createFile(part)
    const expected = await db.read(async (reader) => {
      await reader.run('VACUUM INTO ?', [part])
      return countRows(reader)
    })
    await db.withTwin(part, async (twin) => {
      const soundness = await twin.all<{ integrity_check: string }>('PRAGMA integrity_check')
      const same = JSON.stringify(await countRows(twin)) === JSON.stringify(expected)
      if (soundness[0]?.integrity_check !== 'ok' || !same) {
        throw new AppError('CHECK_FAILED', `the copy at ${dirname(target)} is not equal to the database`, {
          hint: 'libreollama-db health --full checks the database itself',
        })
      }
    })
    await publishFile(part, target)
  } catch (error) {
    await discardDatabase(part)
    throw explainSystemError(error, target)
  }
}
