import type { Connection } from '../../connection.ts'

/** Kilobytes, negative as SQLite wants them: ids are random, so the pages of their indexes are all in use at once. */
const CACHE = -16_384
/** Pages: each checkpoint waits for the disk. */
const CHECKPOINT_EVERY = 32_768

/** Lets many commits be fast: each is whole or not there, and all are on the disk when this resolves. */
export async function withQuickCommits<T>(writer: Connection, work: () => Promise<T>): Promise<T> {
  const mode = await writer.get<{ journal_mode: string }>('PRAGMA journal_mode')
  const usual = await writer.get<{ cache_size: number }>('PRAGMA cache_size')
  await writer.exec(`PRAGMA cache_size = ${CACHE}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_EVERY}`)
  if (mode?.journal_mode === 'wal') await writer.exec('PRAGMA synchronous = NORMAL')
  try {
    return await work()
  } finally {
    await writer.exec(
      `PRAGMA synchronous = FULL; PRAGMA cache_size = ${usual?.cache_size}; PRAGMA wal_autocheckpoint = 1000`,
    )
    await writer.get('PRAGMA wal_checkpoint(PASSIVE)')
  }
}
