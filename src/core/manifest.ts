import { readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod/mini'
import { AppError, explainSystemError, systemErrorCode } from './errors.ts'
import { createFile, syncPath } from './new-file.ts'
import { namesFor } from './unfinished.ts'

/** What is known of a backup, in a file of its own beside it (`<backup>.json`, 0600). It holds nothing secret. */
const MANIFEST = z.strictObject({
  format: z.literal(1),
  /** Bytes. */
  bytes: z.int(),
  /** SHA-256 of the file, hex. */
  sha256: z.string(),
  /** SHA-256 of what the database held, hex; see `Content`. */
  content_sha256: z.string(),
  /** The first 16 bytes of the file, hex: an entry of the keychain is named after them. */
  salt: z.string(),
  schema_version: z.int(),
  /** When the database was made of which this is a copy. */
  born: z.nullable(z.string()),
  counts: z.record(z.string(), z.int()),
  created_at: z.string(),
  /** When the copy was last found to hold what it should. */
  verified_at: z.nullable(z.string()),
  /** What SQLite said against the database itself, and so says against a faithful copy. */
  problems: z.array(z.string()),
  sqlite_version: z.string(),
  cipher_version: z.string(),
})

export type Manifest = z.infer<typeof MANIFEST>

export const manifestPath = (backup: string) => `${backup}.json`

/** Writes the manifest of a backup, whole or not at all, over an older one. */
export async function writeManifest(backup: string, manifest: Manifest, now: Date): Promise<void> {
  const path = manifestPath(backup)
  const fresh = namesFor(path, 'backup', now).made
  try {
    await createFile(fresh, `${JSON.stringify(manifest, null, 2)}\n`)
    await rename(fresh, path)
    await syncPath(dirname(path))
  } catch (error) {
    await rm(fresh, { force: true })
    throw explainSystemError(error, path)
  }
}

/** The manifest of a backup, or undefined where there is none. Throws CHECK_FAILED for one that cannot be understood. */
export async function readManifest(backup: string): Promise<Manifest | undefined> {
  const path = manifestPath(backup)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw explainSystemError(error, path)
  }
  const parsed = MANIFEST.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new AppError('CHECK_FAILED', `${path} is not a manifest of a backup`, {
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
