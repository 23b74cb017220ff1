import { lstat, mkdtemp, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type CopyOptions, hashFile, makeProvenCopy, sharedSource } from '../copy/copy.ts'
import type { Inspection } from '../copy/inspect.ts'
import { type DatabaseOptions, withDatabase } from '../database/database.ts'
import { AppError, explainSystemError, type OutcomeCode } from '../errors.ts'
import { examineFile } from '../files/file-facts.ts'
import { discardDatabase } from '../files/new-file.ts'
import { namesFor } from '../files/recovery.ts'
import { formatTimestamp } from '../timestamp.ts'
import { tidyFolder } from './backup.ts'
import { type Manifest, readManifest, writeManifest } from './manifest.ts'
import { type BackupsOptions, readBackupsOf, tellOfOthers } from './own-backups.ts'

/** The result of a restore drill. */
export interface Verification {
  path: string
  status: 'ok' | 'fail'
  /** The problems of the backup, or of the database it was copied from; empty when all is well. */
  problems: string[]
  schema_version: number | null
  counts: Record<string, number>
  verified_at: string | null
}

/**
 * Runs a restore drill: restores the backup to a temporary encrypted file, lets another process open it and
 * check its structure and pages, and compares its content with the manifest. Damage, differences, and
 * problems of the database itself are findings; a wrong key and a missing file are thrown. The result is
 * written into the manifest, when possible.
 */
export async function verifyBackup(
  path: string,
  options: Omit<DatabaseOptions, 'path'> & CopyOptions,
): Promise<Verification> {
  const report: Verification = {
    path,
    status: 'ok',
    problems: [],
    schema_version: null,
    counts: {},
    verified_at: null,
  }
  const manifest = await readManifest(path).catch((error) => {
    if (!(error instanceof AppError) || error.code !== 'CHECK_FAILED') throw error
    report.problems.push(error.message)
    return undefined
  })
  if (manifest) report.problems.push(...(await compareFile(path, manifest)))
  try {
    const found = await drill(path, options)
    if (manifest) report.problems.push(...compareContent(found, manifest))
    for (const problem of [...found.problems, ...found.orphans]) {
      if (!report.problems.includes(problem)) report.problems.push(problem)
    }
    report.schema_version = found.content.schema_version
    report.counts = found.content.counts
  } catch (error) {
    if (!(error instanceof AppError) || !FINDINGS.has(error.code)) throw error
    report.problems.push(error.message)
  }
  const ok = report.problems.length === 0
  report.status = ok ? 'ok' : 'fail'
  const now = options.now?.() ?? new Date()
  report.verified_at = ok ? formatTimestamp(now) : null
  if (manifest) await recordResult(path, { ...manifest, verified_at: report.verified_at }, now, options)
  return report
}

/** Writes the result into the manifest; the result is valid even when it cannot be written. */
async function recordResult(
  path: string,
  manifest: Manifest,
  now: Date,
  { warn }: Pick<CopyOptions, 'warn'>,
): Promise<void> {
  await writeManifest(path, manifest, now).catch((error) => {
    if (!(error instanceof AppError) || error.code !== 'IO') throw error
    warn?.(`the result could not be written into the manifest: ${error.message}`)
  })
}

/**
 * Verifies every backup of a database, newest first; here, anything that keeps one from being read is a
 * finding too.
 */
export async function verifyBackups(options: BackupsOptions & CopyOptions): Promise<Verification[]> {
  const backups = await readBackupsOf(options)
  tellOfOthers(backups, options)
  const reports: Verification[] = []
  for (const { path, schema_version, counts } of backups.own) {
    const report = await verifyBackup(path, options).catch((error): Verification => {
      if (!(error instanceof AppError) || !OF_ONE_FILE.has(error.code)) throw error
      return { path, status: 'fail', problems: [error.message], schema_version, counts, verified_at: null }
    })
    reports.push(report)
  }
  return reports
}

const FINDINGS = new Set<OutcomeCode>(['CORRUPT', 'CHECK_FAILED'])
const OF_ONE_FILE = new Set<OutcomeCode>(['WRONG_KEY', 'NO_DATABASE', 'NOT_ENCRYPTED', 'IO', 'INVALID'])

/**
 * Restores into a file beside the backup, or a temporary one when that cannot be created, and discards it.
 */
async function drill(
  path: string,
  options: Omit<DatabaseOptions, 'path'> & CopyOptions,
): Promise<Inspection> {
  const { folderWritable } = await examineFile(path)
  const folder = folderWritable ? undefined : await temporaryFolder()
  if (folderWritable) await tidyFolder(dirname(path), options)
  const place = folder === undefined ? path : join(folder, basename(path))
  const { made } = namesFor(place, 'drill', options.now?.() ?? new Date())
  const opening = { ...options, path, access: 'read', copying: true, recover: false } as const
  return withDatabase(opening, async (db) => {
    if (!db.key) throw new Error('a plaintext file is no backup')
    return makeProvenCopy(sharedSource(db), made, db.key, options)
  }).finally(async () => {
    await discardDatabase(made)
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })
}

async function temporaryFolder(): Promise<string> {
  const { tmpdir } = await import('node:os')
  return mkdtemp(join(tmpdir(), 'libreollama-db-drill-')).catch((error) => {
    throw explainSystemError(error, tmpdir())
  })
}

async function compareFile(path: string, manifest: Manifest): Promise<string[]> {
  const { kind } = await examineFile(path)
  if (kind !== 'file') return [] // reported by the drill
  const { size } = await lstat(path)
  if (size !== manifest.bytes) return [`the file has ${size} bytes, the manifest says ${manifest.bytes}`]
  return (await hashFile(path)) === manifest.sha256
    ? []
    : ['the SHA-256 of the file is not the one in the manifest']
}

/** Returns the differences between the content of a backup and its manifest. */
export function compareContent({ content, problems }: Inspection, manifest: Manifest): string[] {
  const found: string[] = problems.filter((problem) => !manifest.problems.includes(problem))
  if (content.schema_version !== manifest.schema_version) {
    found.push(`schema version ${content.schema_version}, the manifest says ${manifest.schema_version}`)
  }
  for (const table of new Set([...Object.keys(content.counts), ...Object.keys(manifest.counts)])) {
    const [here, promised] = [content.counts[table] ?? 'no', manifest.counts[table] ?? 'no']
    if (here !== promised) found.push(`${table}: ${here} rows, the manifest says ${promised}`)
  }
  if (found.length === 0 && content.sha256 !== manifest.content_sha256) {
    found.push('what it holds has another SHA-256 than the manifest says')
  }
  return found
}
