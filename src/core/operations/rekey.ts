import { readBackupsOf } from '../backup/own-backups.ts'
import { type CopyOptions, soleSource } from '../copy/copy.ts'
import { replaceDatabase, sealable } from '../copy/replace.ts'
import { type DatabaseOptions, opensWith, withDatabase } from '../database/database.ts'
import { saltOfFile } from '../database/held-files.ts'
import { commitKey, discardUnneeded, type KeyAndSalt, type NewKey, saltKey } from '../database/new-key.ts'
import { AppError } from '../errors.ts'
import { examineFile, identify } from '../files/file-facts.ts'
import { type Recovery, recover } from '../files/recovery.ts'
import { Key } from '../keys/key.ts'

/** The result of `rekey`. */
export interface RekeyReport {
  path: string
  /** False when the database already had the new key, or for a dry run. */
  changed: boolean
  dry_run: boolean
  schema_version: number | null
  counts: Record<string, number>
  /** Backups that the new key does not open. */
  backups_with_other_key: string[]
  recovered: Recovery[]
}

export interface RekeyOptions extends DatabaseOptions, CopyOptions {
  newKey: NewKey
  dryRun?: boolean
}

/**
 * Gives a database another key and a new salt: another process verifies a copy under the new key, which then
 * replaces the file. At every moment the file opens with the old key or with the new one, and the new one is
 * stored before it is needed. Throws LOCKED while another program has the database open.
 */
export async function rekeyDatabase(options: RekeyOptions): Promise<RekeyReport> {
  const { path, newKey, dryRun = false } = options
  const { realPath } = await examineFile(path)
  const report: RekeyReport = {
    path,
    changed: false,
    dry_run: dryRun,
    schema_version: null,
    counts: {},
    backups_with_other_key: [],
    recovered: [],
  }
  const before = await identify(realPath)
  let salt: Buffer | undefined
  try {
    report.recovered = await recover(realPath)
    const formerSalt = await saltOfFile(realPath)
    const salted = await saltKey(await newKey.read())
    salt = salted.salt
    if (!(await alreadyHas(options, salted.key))) {
      Object.assign(report, await change(options, salted), { changed: !dryRun })
    }
    report.backups_with_other_key = await othersOf(options, formerSalt, salted.key)
    if (dryRun) await newKey.discard?.()
    return report
  } catch (error) {
    await discardUnneeded(newKey, realPath, before, salt)
    throw error
  }
}

/**
 * Returns true when the new key opens the file and the old one does not, as after a run that was killed after
 * the swap.
 */
async function alreadyHas(options: RekeyOptions, key: Key): Promise<boolean> {
  const { kind } = await examineFile(options.path)
  if (kind !== 'file' || !(await opensWith(options.path, async () => [key]))) return false
  if (!(await opensWith(options.path, options.keys).catch(() => false))) return true
  throw new AppError('INVALID', 'the new key is the key that the database has', {
    hint: { step: 'choose_path', role: 'new_key_file' },
  })
}

async function change(
  options: RekeyOptions,
  salted: KeyAndSalt,
): Promise<Pick<RekeyReport, 'schema_version' | 'counts'>> {
  const { newKey, dryRun } = options
  const { signal, seal } = sealable(options.signal)
  const { copy } = await withDatabase({ ...options, signal, access: 'write' }, (db) =>
    db.alone((connection, sole) =>
      replaceDatabase({
        ...options,
        signal,
        operation: 'rekey',
        path: db.facts.realPath,
        source: soleSource(db, connection, salted.literal),
        key: new Key(salted.literal),
        wal: sole.usesWal,
        standing: sole,
        dryRun,
        check: (made) => refuseOldKey(made, db.key),
        commit: () => commitKey(newKey, salted).then(seal),
      }),
    ),
  )
  if (!dryRun) await refuseUnopened(options.path, salted.key)
  const { schema_version, counts } = copy.content
  return { schema_version, counts }
}

/**
 * Throws when the replaced file does not open. Another process has read all of it, so a failure now is one of
 * the disk, and the change stays.
 */
async function refuseUnopened(path: string, key: Key): Promise<void> {
  const opens = () => opensWith(path, async () => [key]).catch(() => false)
  if ((await opens()) || (await opens())) return
  throw new AppError('IO', `${path} has the new key, but it cannot be read now`, {
    hint: ['keep both keys', { step: 'diagnose', path, about: 'see why it cannot be read', newKey: true }],
  })
}

async function refuseOldKey(made: string, old: Key | undefined): Promise<void> {
  if (!old || !(await opensWith(made, async () => [old]))) return
  throw new AppError('CHECK_FAILED', 'the copy still opens with the old key; it was thrown away', {
    hint: 'nothing was changed; name another key',
  })
}

/**
 * Returns the backups that the new key does not open. The file already has its new key, so no error here
 * counts as a failure.
 */
async function othersOf(options: RekeyOptions, formerSalt: string | undefined, key: Key): Promise<string[]> {
  const { warn, dryRun } = options
  const keys = dryRun ? options.keys : async () => [key]
  const others: string[] = []
  try {
    const { own } = await readBackupsOf({ ...options, keys, formerSalt, signal: undefined })
    for (const { path } of own) if (!(await opensWith(path, async () => [key]))) others.push(path)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    warn?.(`which backups need the key from before cannot be told: ${error.message}`)
  }
  return others
}
