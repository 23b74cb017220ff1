import { readBackups, removeBackup } from './backup.ts'
import { applyKeepRules, type KeepRules } from './keep-rules.ts'

/** What becomes of a backup. */
export interface Pruned {
  path: string
  created_at: string
  keep: boolean
  /** The rules that keep it. */
  reasons: string[]
}

/** Removes the backups of a folder that no rule keeps. Files without a manifest are none of its business. */
export async function pruneBackups(folder: string, rules: KeepRules, dryRun: boolean): Promise<Pruned[]> {
  const decided = applyKeepRules(await readBackups(folder), rules).map(({ backup, reasons }) => ({
    path: backup.path,
    created_at: backup.created_at,
    keep: reasons.length > 0,
    reasons,
  }))
  if (dryRun) return decided
  for (const { path, keep } of decided) if (!keep) await removeBackup(path)
  return decided
}
