import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readBackups } from './backup.ts'
import { type CopyOptions, hashFile, makeProvenCopy, sharedSource } from './copy.ts'
import { type DatabaseOptions, withDatabase } from './database.ts'
import { AppError } from './errors.ts'
import { examineFile } from './file-facts.ts'
import type { Inspection } from './inspect.ts'
import { type Manifest, readManifest, writeManifest } from './manifest.ts'
import { discardDatabase } from './new-file.ts'
import { formatTimestamp } from './timestamp.ts'
import { namesFor, recoverFolder } from './unfinished.ts'

/** What a restore drill found. */
export interface Verification {
  path: string
  status: 'ok' | 'fail'
  /** What is wrong with it; empty when all is well. */
  problems: string[]
  schema_version: number | null
  counts: Record<string, number>
  verified_at: string | null
}

/**
 * A restore drill: the backup is restored to a temporary encrypted file, another process opens that, checks structure
 * and pages, and what it holds is compared with what the manifest promises. Damage and differences are findings;
 * a wrong key and a missing file are thrown.
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
    else report.problems.push(...found.problems)
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
  if (manifest) await writeManifest(path, { ...manifest, verified_at: report.verified_at }, now)
  return report
}

/** Verifies every backup of a folder, the newest first; here a wrong key is a finding too. */
export async function verifyBackups(
  folder: string,
  options: Omit<DatabaseOptions, 'path'> & CopyOptions,
): Promise<Verification[]> {
  const reports: Verification[] = []
  for (const { path, schema_version, counts } of await readBackups(folder)) {
    const report = await verifyBackup(path, options).catch((error): Verification => {
      if (!(error instanceof AppError) || error.code !== 'WRONG_KEY') throw error
      return { path, status: 'fail', problems: [error.message], schema_version, counts, verified_at: null }
    })
    reports.push(report)
  }
  return reports
}

const FINDINGS = new Set(['CORRUPT', 'CHECK_FAILED'])

/** Restores into a file beside the backup, and throws that away. */
export async function drill(
  path: string,
  options: Omit<DatabaseOptions, 'path'> & CopyOptions,
): Promise<Inspection> {
  await recoverFolder(dirname(path))
  const { made } = namesFor(path, 'drill', options.now?.() ?? new Date())
  return withDatabase({ ...options, path, access: 'read', copying: true, recover: false }, async (db) => {
    if (!db.key) throw new Error('a plaintext file is no backup')
    try {
      return await makeProvenCopy(sharedSource(db), made, db.key, options)
    } finally {
      await discardDatabase(made)
    }
  })
}

async function compareFile(path: string, manifest: Manifest): Promise<string[]> {
  const { kind } = await examineFile(path)
  if (kind !== 'file') return [] // told by the drill
  const { size } = await lstat(path)
  if (size !== manifest.bytes) return [`the file has ${size} bytes, the manifest says ${manifest.bytes}`]
  return (await hashFile(path)) === manifest.sha256
    ? []
    : ['the SHA-256 of the file is not the one in the manifest']
}

/** What a backup holds beside what its manifest promises. */
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
