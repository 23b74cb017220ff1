import { AppError } from '../errors.ts'
import { removeBackup } from './backup.ts'
import type { FoundBackup } from './backup-folder.ts'
import { applyKeepRules, type KeepRules } from './keep-rules.ts'
import {
  type BackupsOf,
  type BackupsOptions,
  isAhead,
  readBackupsOf,
  tellOfOthers,
  underOwnName,
  unknownOwner,
} from './own-backups.ts'

/** The fate of a backup. */
export interface Pruned {
  path: string
  created_at: string
  keep: boolean
  /** The rules that keep it. */
  reasons: string[]
}

/** The backups to keep, and the confirmation to remove the rest. */
export interface PruneOptions extends BackupsOptions {
  rules: KeepRules
  dryRun?: boolean
  /** Called with the backups to remove, if there are any; throws to keep them all. */
  confirm?: (going: Pruned[]) => Promise<void>
}

/**
 * Removes the backups of a database that no rule keeps; never touches those of other databases, and files
 * without a manifest. Removes exactly what `confirm` was shown: what has changed meanwhile stays. Throws
 * INVALID, or the reason why the database cannot be read, when it is unclear which backups belong to it.
 */
export async function pruneBackups(options: PruneOptions): Promise<Pruned[]> {
  const backups = await readBackupsOf(options)
  tellOfOthers(backups, options)
  const decided = decide(backups, options)
  const going = decided.filter(({ keep }) => !keep)
  if (options.dryRun || going.length === 0) return decided.map(toldOf)
  await options.confirm?.(going.map(toldOf))
  const again = decide(await readBackupsOf({ ...options, warn: undefined }), options)
  for (const backup of going) {
    const now = again.find(
      ({ path, sha256, keep }) => path === backup.path && sha256 === backup.sha256 && !keep,
    )
    if (now) await removeBackup(backup.path)
    else Object.assign(backup, { keep: true, reasons: ['changed meanwhile'] })
  }
  return decided.map(toldOf)
}

type Decided = FoundBackup & Pick<Pruned, 'keep' | 'reasons'>

function decide(backups: BackupsOf, options: PruneOptions): Decided[] {
  refuseUnknown(backups)
  const aside = backups.own.flatMap((backup): Decided[] => {
    const reason = whyAside(backup, backups, options)
    return reason === undefined ? [] : [{ ...backup, keep: true, reasons: [reason] }]
  })
  const counted = backups.own.filter((backup) => whyAside(backup, backups, options) === undefined)
  const ruled = applyKeepRules(counted, options.rules)
  return [...ruled.map(({ backup, reasons }) => ({ ...backup, keep: reasons.length > 0, reasons })), ...aside]
}

/** Returns the reason why the rules ignore a backup: it stays, and does not affect which others stay. */
function whyAside(backup: FoundBackup, backups: BackupsOf, options: PruneOptions): string | undefined {
  const { born } = backups.database
  if (born && backup.born !== null && backup.born !== born) return 'of another birth'
  if (!underOwnName(backups).includes(backup)) return `made under the name ${backup.database}`
  if (!backup.whole) return 'damaged'
  return isAhead(backup, options) ? 'dated in the future' : undefined
}

/**
 * Throws when only a name identifies the backups, which is too little to remove something by: another
 * database may have had it.
 */
function refuseUnknown(backups: BackupsOf): void {
  const { byNameOnly, own, database } = backups
  if (!byNameOnly || own.length === 0) return
  if (new Set(own.map(({ born }) => born)).size > 1) throw unknownOwner(backups, own)
  const { unread } = database
  if (database.salt === undefined || !unread) return
  throw new AppError(unread.code, `which backups are of ${database.path} cannot be told: ${unread.message}`, {
    hint: unread.advice,
  })
}

function toldOf({ path, created_at, keep, reasons }: Decided): Pruned {
  return { path, created_at, keep, reasons }
}
