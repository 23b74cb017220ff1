import { copyFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { inspectFile } from '../copy/inspect.ts'
import { type DatabaseOptions, withDatabase } from '../database/database.ts'
import { copyLog, type FrameChoice } from '../database/log-copy.ts'
import { keepLog } from '../database/lost-commits.ts'
import type { Connection, Row } from '../engine/connection.ts'
import { AppError, explainSystemError } from '../errors.ts'
import { exists, type FileFacts } from '../files/file-facts.ts'
import { discardDatabase, makeFolderFor, publishFile } from '../files/new-file.ts'
import { namesFor, recoverFolder } from '../files/recovery.ts'
import type { LostCommits } from '../files/write-ahead-log.ts'
import type { Key } from '../keys/key.ts'
import { createPageCheck } from '../keys/page-authenticity.ts'
import type { RowCounts } from '../schema/row-counts.ts'

/** The result of reading a database whose -wal has lost commits. */
export interface SalvageReport {
  /** The damaged database. */
  path: string
  folder: string
  /** The database as SQLite reads it, without anything committed after the damage. */
  before: SalvagedFile
  /** The database with every later page that is authentic. */
  recovered: SalvagedFile
  /**
   * Pages whose newest version is damaged: `recovered` contains an older one. Empty when everything was read.
   */
  lost_pages: number[]
  /** Messages that exist only in `recovered`. */
  messages: Row[]
}

/** An encrypted database under the key of the original. */
export interface SalvagedFile {
  path: string
  /** Problems that SQLite and SQLCipher find in it; empty for a sound file. */
  problems: string[]
  counts: RowCounts
}

export interface SalvageOptions extends Pick<DatabaseOptions, 'path' | 'keys' | 'signal' | 'lockTimeout'> {
  /** The folder for the two files; created when it is missing. */
  folder: string
  now?: () => Date
}

/**
 * Writes what can be read of a database with a damaged -wal to two new encrypted files, without changing the
 * original. Throws INVALID when no commit was lost, IO when a file is in the way.
 */
export async function salvage(options: SalvageOptions): Promise<SalvageReport> {
  const { folder, now = () => new Date() } = options
  const { facts, key, lost } = await openDamaged(options)
  const name = parse(facts.realPath).name
  const paths = { before: join(folder, `${name}-before.db`), recovered: join(folder, `${name}-recovered.db`) }
  await makeFolderFor(paths.before)
  await recoverFolder(folder)
  for (const path of Object.values(paths)) if (await exists(path)) throw inTheWay(path)
  await keepLog(facts, now())
  const isAuthentic = createPageCheck(
    await key.literal(facts.samples.start.subarray(0, 16)),
    facts.samples.start.subarray(0, 16),
  )
  const lost_pages: number[] = []
  const make = (path: string, choice: FrameChoice) => makeFile(facts, key, path, choice, options)
  const before = await make(paths.before, { until: lost.frame, keep: () => true, onLost: () => {} })
  const recovered = await make(paths.recovered, {
    until: Number.POSITIVE_INFINITY,
    keep: ({ content, page }) => isAuthentic(content, page),
    onLost: (page) => lost_pages.push(page),
  })
  const messages = await onlyIn(paths.recovered, paths.before, key).catch((error: Error) => {
    recovered.problems.push(`its messages could not be listed: ${error.message}`)
    return []
  })
  return { path: options.path, folder, before, recovered, lost_pages, messages }
}

async function openDamaged(
  options: SalvageOptions,
): Promise<{ facts: FileFacts; key: Key; lost: LostCommits }> {
  const opening = { ...options, access: 'read', recover: false, onLostCommits: () => {} } as const
  return withDatabase(opening, async ({ facts, key }) => {
    if (facts.lostCommits && key) return { facts, key, lost: facts.lostCommits }
    throw new AppError(
      'INVALID',
      `the -wal of ${facts.path} shows no lost commits: there is nothing to salvage`,
      {
        hint: { step: 'check_health', path: facts.path, about: 'check everything else' },
      },
    )
  })
}

function inTheWay(path: string): AppError {
  return new AppError('IO', `there is a file at ${path} already; it was not overwritten`, {
    hint: 'name a new folder',
  })
}

/**
 * Copies the database and the selected frames of its log, checkpoints them into one file, and inspects it.
 */
async function makeFile(
  { realPath }: FileFacts,
  key: Key,
  path: string,
  choice: FrameChoice,
  { signal, now = () => new Date() }: SalvageOptions,
): Promise<SalvagedFile> {
  const { made } = namesFor(path, 'salvage', now())
  try {
    await copyFile(realPath, made)
    await copyLog(`${realPath}-wal`, `${made}-wal`, choice)
    signal?.throwIfAborted()
    const opening = { path: made, keys: async () => [key], access: 'write', signal } as const
    await withDatabase(opening, (db) =>
      db.exclusively((writer) => writer.get('PRAGMA wal_checkpoint(TRUNCATE)')),
    )
    const found = await look(made, key)
    await publishFile(made, path)
    return { path, ...found }
  } catch (error) {
    throw explainSystemError(error, path)
  } finally {
    await discardDatabase(made)
  }
}

/**
 * Returns the problems and the row counts of a file; a file that cannot be read in full is not a failure
 * here.
 */
async function look(path: string, key: Key): Promise<Pick<SalvagedFile, 'problems' | 'counts'>> {
  try {
    const { problems, content } = await inspectFile({ path, key })
    return { problems, counts: content.counts }
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)], counts: {} }
  }
}

/** Returns the messages that one database has and the other has not. */
async function onlyIn(path: string, other: string, key: Key): Promise<Row[]> {
  const read = <T>(name: string, work: (reader: Connection) => Promise<T>) =>
    withDatabase({ path: name, keys: async () => [key] }, (db) => db.read(work))
  const known = await read(other, (reader) => reader.all<{ id: string }>('SELECT id FROM chat_messages'))
  const ids = new Set(known.map(({ id }) => id))
  const all = await read(path, (reader) =>
    reader.all('SELECT id, session_id, role, created_at FROM chat_messages ORDER BY created_at, id'),
  )
  return all.filter(({ id }) => !ids.has(String(id)))
}
