import { inTransaction } from '../../database/database.ts'
import type { Connection } from '../../engine/connection.ts'

/**
 * Kilobytes, negative as SQLite expects them: ids are random, so all pages of their indexes are in use at
 * once.
 */
const CACHE = -16_384
/** Pages: each checkpoint waits for the disk. */
const CHECKPOINT_EVERY = 32_768
/**
 * Bytes, twice as many as hexadecimal text, to allocate and free at the start. SQLite keeps in memory what a
 * statement of many rows changes, here some 4 MB, and glibc returns that to the system after each statement,
 * only to request it again page by page for the next, until it has once allocated and freed a block of this
 * size. Elsewhere it has no effect.
 */
const WARM_UP = 1_500_000

/** Makes many commits fast: each is atomic, and all are on the disk when this resolves. */
export async function withQuickCommits<T>(writer: Connection, work: () => Promise<T>): Promise<T> {
  const mode = await writer.get<{ journal_mode: string }>('PRAGMA journal_mode')
  const usual = await writer.get<{ cache_size: number }>('PRAGMA cache_size')
  await writer.exec(`PRAGMA cache_size = ${CACHE}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_EVERY}`)
  if (mode?.journal_mode === 'wal') await writer.exec('PRAGMA synchronous = NORMAL')
  await writer.get(`SELECT length(hex(zeroblob(${WARM_UP}))) AS n`)
  try {
    return await work()
  } finally {
    await writer.exec(
      `PRAGMA synchronous = FULL; PRAGMA cache_size = ${usual?.cache_size}; PRAGMA wal_autocheckpoint = 1000`,
    )
    await settle(writer)
  }
}

/**
 * Syncs everything to the disk. A checkpoint does that, unless another connection runs one or still reads an
 * older state; then a commit does, because it waits for the whole -wal. That commit rewrites `user_version`
 * unchanged.
 */
async function settle(writer: Connection): Promise<void> {
  const done = await writer.get<{ busy: number; log: number; checkpointed: number }>(
    'PRAGMA wal_checkpoint(PASSIVE)',
  )
  if (!done || (done.busy === 0 && done.log === done.checkpointed)) return
  await inTransaction(writer, async () => {
    const row = await writer.get<{ user_version: number }>('PRAGMA user_version')
    await writer.exec(`PRAGMA user_version = ${row?.user_version ?? 0}`)
  })
}
