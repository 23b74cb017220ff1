import { examineFile, type FileFacts, readSamples, type Samples } from '../files/file-facts.ts'
import type { LostCommits } from '../files/write-ahead-log.ts'
import { Mutex } from '../mutex.ts'

/** A file in use by this process. Its content is read once, before any connection to it (see readSamples). */
export interface HeldFile {
  id: string
  samples: Promise<Samples>
  /** The commits that its -wal has lost; once SQLite has the file open, it may empty or remove the -wal. */
  lostCommits: Promise<LostCommits | undefined>
  users: number
  /** True when all users read only copies of it, so that none of their locks can be lost. */
  onlyCopied: boolean
  /**
   * Shared by everything that writes this file from this process: waiting inside SQLite would block a thread.
   */
  writing: Mutex
}

const heldFiles = new Map<string, HeldFile>()

/** Examines a file and prevents reads that bypass SQLite until it is released. */
export async function hold(path: string): Promise<{ facts: FileFacts; file: HeldFile }> {
  const facts = await examineFile(path)
  const known = heldFiles.get(facts.id)
  const file = known ?? {
    id: facts.id,
    samples: readSamples(facts),
    lostCommits: lookAtLog(facts),
    users: 0,
    onlyCopied: true,
    writing: new Mutex(),
  }
  heldFiles.set(facts.id, file)
  file.users++
  try {
    const [samples, lostCommits] = await Promise.all([file.samples, file.lostCommits])
    return { facts: { ...facts, samples, lostCommits }, file }
  } catch (error) {
    release(file)
    throw error
  }
}

async function lookAtLog(facts: FileFacts): Promise<LostCommits | undefined> {
  if (facts.kind !== 'file' || !facts.walBytes || facts.intruder) return undefined
  const { readLostCommits } = await import('./lost-commits.ts') // most files have no -wal beside them
  return readLostCommits(facts)
}

/**
 * Returns the first 16 bytes of a file, hex, even of one that this process has open; undefined when there are
 * none.
 */
export async function saltOfFile(path: string): Promise<string | undefined> {
  const { facts, file } = await hold(path)
  release(file)
  const salt = facts.samples.start.subarray(0, 16)
  return salt.length === 16 ? salt.toString('hex') : undefined
}

/** Releases what `hold` acquired. */
export function release(file: HeldFile): void {
  if (--file.users === 0) heldFiles.delete(file.id)
}
