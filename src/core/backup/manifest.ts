import { constants } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod/mini'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { createFile } from '../files/new-file.ts'
import { ownerFor, ownerOf } from '../files/owner.ts'
import { namesFor } from '../files/recovery.ts'
import { syncFolder } from '../files/sync-folder.ts'
import { readTimestamp } from '../timestamp.ts'

const moment = z.string().check(z.refine((text) => readTimestamp(text) !== null))

/**
 * The manifest of a backup, in a file of its own beside it (`<backup>.json`, 0600). It contains nothing
 * secret. Fields that a later program may have added are kept.
 */
const MANIFEST = z.looseObject({
  format: z.literal(1),
  /** Bytes. */
  bytes: z.int(),
  /** SHA-256 of the file, hex. */
  sha256: z.string(),
  /** SHA-256 of the content of the database, hex; see `Content`. */
  content_sha256: z.string(),
  /** The first 16 bytes of the file, hex: they name its entry in the keychain. */
  salt: z.string(),
  schema_version: z.int(),
  /** The time when the original database was created. */
  born: z.nullable(z.string()),
  counts: z.record(z.string(), z.int()),
  created_at: moment,
  /** The time when the copy was last verified. */
  verified_at: z.nullable(moment),
  /** The problems that SQLite found in the database itself, and so finds in a faithful copy. */
  problems: z.array(z.string()),
  sqlite_version: z.string(),
  cipher_version: z.string(),
})

export type Manifest = z.infer<typeof MANIFEST>

export const manifestPath = (backup: string) => `${backup}.json`

/**
 * Writes the manifest of a backup, completely or not at all, over an older one; `source` is what the backup
 * is made from.
 */
export async function writeManifest(
  backup: string,
  manifest: Manifest,
  now: Date,
  source = backup,
): Promise<void> {
  const path = manifestPath(backup)
  const fresh = namesFor(path, 'backup', now).made
  try {
    const owner = (await ownerOf(path)) ?? (await ownerFor(fresh, source))
    await createFile(fresh, `${JSON.stringify(manifest, null, 2)}\n`, owner)
    await rename(fresh, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(fresh, { force: true })
    throw explainSystemError(error, path)
  }
}

/**
 * Reads the manifest of a backup, or returns undefined when there is none. Throws CHECK_FAILED for one that
 * cannot be parsed, IO for one that cannot be read.
 */
export async function readManifest(backup: string): Promise<Manifest | undefined> {
  const path = manifestPath(backup)
  const text = await readText(path).catch((error) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw explainSystemError(error, path)
  })
  if (text === undefined) return undefined
  const value = parseJson(text)
  const parsed = MANIFEST.safeParse(value)
  if (parsed.success) return parsed.data
  throw notAManifest(backup, whatIsWrong(value))
}

/** Bytes. A manifest has a line for each table, plus a few hundred bytes. */
const LARGEST = 16 * 1024 * 1024

/** Reads only a regular file of a sane size: a pipe of that name would block forever. */
async function readText(path: string): Promise<string> {
  const backup = path.slice(0, -'.json'.length)
  if (!(await stat(path)).isFile()) throw notAManifest(backup, 'it is not a regular file')
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const status = await file.stat()
    if (!status.isFile()) throw notAManifest(backup, 'it is not a regular file')
    if (status.size > LARGEST) throw notAManifest(backup, `it has ${status.size} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function whatIsWrong(value: unknown): string {
  if (value === undefined) return 'it is not whole JSON'
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined
  return typeof format === 'number' && format > 1
    ? `it is of format ${format}, which a newer version of this program wrote`
    : 'it does not describe a backup'
}

function notAManifest(backup: string, reason: string): AppError {
  return new AppError('CHECK_FAILED', `${manifestPath(backup)} is not a manifest of a backup: ${reason}`, {
    hint: `move it away to have ${backup} looked at without it`,
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
