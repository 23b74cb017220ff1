import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { copyFile, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemErrorCode } from '../errors.ts'
import { exists, type FileFacts } from '../files/file-facts.ts'
import { syncPath } from '../files/new-file.ts'
import { namesFor } from '../files/recovery.ts'
import { findLostCommits, type LostCommits } from '../files/write-ahead-log.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { ProofOptions } from './probe.ts'

/**
 * Returns the commits that the -wal beside a database has lost; undefined when there are none, and while
 * another program that has them in its index uses the database.
 */
export async function readLostCommits(facts: FileFacts): Promise<LostCommits | undefined> {
  const lost = await findLostCommits(`${facts.realPath}-wal`)
  if (!lost || (await isIndexed(facts, lost))) return undefined
  return lost
}

/** Returns true when a running program read the log before it was damaged. */
async function isIndexed({ id, realPath }: FileFacts, { frame }: LostCommits): Promise<boolean> {
  const { otherUsersOf } = await import('./sole-use.ts')
  const [user] = await otherUsersOf(id)
  if (user === undefined) return false
  const index = await open(`${realPath}-shm`).catch(() => undefined)
  if (!index) return false
  try {
    // The number of the last frame in the index, in the byte order of the machine.
    const { buffer, bytesRead } = await index.read(new Uint32Array(1), 0, 4, 16)
    return bytesRead === 4 && (buffer[0] ?? 0) >= Math.max(frame, 1)
  } finally {
    await index.close()
  }
}

/** Describes the finding in words; `kept` is the path of the copy of the log. */
export function lostCommitsCause(
  { path }: FileFacts,
  lost: LostCommits,
  { kept, form = 'encrypted' }: { kept?: string; form?: ProofOptions['form'] } = {},
): Diagnosis {
  const { frame, commits } = lost
  const place = frame === 0 ? 'in its header' : `in frame ${frame}`
  const copy = kept === undefined ? '' : `; a copy of the -wal is at ${kept}`
  return {
    cause: 'damaged',
    detail: `the -wal of ${path} is damaged ${place}: SQLite does not read ${commits === 1 ? 'the commit' : `the ${commits} commits`} after it${copy}`,
    pages: [],
    hint:
      form === 'encrypted'
        ? { step: 'salvage', path, to: `${path}-salvaged` }
        : 'open the database once with the program that wrote it, which gives these commits up; then run this again',
  }
}

/**
 * Copies the -wal aside, before any connection can empty or remove it. Resolves to the copy, which is made
 * once, or to undefined when none can be made.
 */
export async function keepLog(
  { realPath, folderWritable }: FileFacts,
  now: Date,
): Promise<string | undefined> {
  if (!folderWritable) return undefined
  const log = `${realPath}-wal`
  const { made } = namesFor(log, 'salvage', now)
  try {
    const kept = `${log}.damaged-${(await hashFile(log)).slice(0, 12)}`
    if (await exists(kept)) return kept
    await copyFile(log, made, constants.COPYFILE_EXCL)
    await syncPath(made)
    await rename(made, kept)
    await syncPath(dirname(kept))
    return kept
  } catch (error) {
    await rm(made, { force: true }).catch(() => {})
    if (systemErrorCode(error) === undefined) throw error
    return undefined
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
