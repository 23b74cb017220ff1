import { lstat } from 'node:fs/promises'
import { AppError } from '../errors.ts'
import { shellWord } from '../shell-word.ts'

/**
 * Throws IO when a -wal or journal with content lies at a path without a database, left by one that no longer
 * exists. SQLite would replay it into a new database of that name and damage it.
 */
export async function refuseStrayLog(path: string): Promise<void> {
  for (const log of [`${path}-wal`, `${path}-journal`]) {
    const { size } = await lstat(log).catch(() => ({ size: 0 }))
    if (size === 0) continue
    throw new AppError('IO', `${log} is left of a database that is not there any more; nothing was changed`, {
      hint: `SQLite would mix it into a new one: move it away with mv ${shellWord(log)} ${shellWord(`${log}.left`)}`,
    })
  }
}
