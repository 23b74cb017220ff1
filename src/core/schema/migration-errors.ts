import { type Hint, hintParts } from '../advice.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { type AppliedStep, type Outcome, outcomeOf, StepFailure } from './apply-step.ts'
import { COMPARE_SCHEMA } from './index-tables.ts'
import { readApplied } from './ledger.ts'
import { currentVersion } from './migrations.ts'

/** The kind of database to migrate: a new file and a copy are discarded after a failure. */
export type Target = 'database' | 'new file' | 'copy'

const HINTS: Record<Target, Hint> = {
  database: [{ step: 'migration_status' }, COMPARE_SCHEMA],
  copy: [{ step: 'rehearse' }, COMPARE_SCHEMA],
  'new file': 'correct the migration; if it came with this program, reinstall the program',
}

/**
 * Explains a migration that stopped part-way: what failed, its outcome, which steps stay applied, the current
 * version of the database, and the backup from before. An error from before the first step and the backup
 * stays unchanged.
 */
export async function explainStop(
  error: unknown,
  writer: Connection,
  { steps, backup }: { steps: AppliedStep[]; backup: string | null },
  { signal, target = 'database' }: { signal?: AbortSignal; target?: Target },
): Promise<unknown> {
  const failure = error instanceof StepFailure ? error : undefined
  const outcome = failure && (await outcomeOf(writer))
  if (!failure && steps.length === 0 && backup === null) return error
  const reason = signal?.aborted ? signal.reason : failure ? failure.cause : error
  // A lock, a full disk or damage is better described by its own code; anything else means that the step
  // itself failed.
  const known = reason instanceof AppError && reason.code !== 'INVALID' ? reason : undefined
  if (!known && !failure) return error
  const facts = [
    what(failure, outcome, reason, known),
    ...(target === 'database'
      ? [await where(writer), stayed(steps), backup && `the copy from before is ${backup}`]
      : [target === 'copy' ? 'it ran on a copy, the database was not changed' : 'no database was made']),
  ].filter(Boolean)
  const changed = steps.length > 0 || (failure !== undefined && outcome !== 'undone')
  const copy: Hint =
    target === 'database' && changed && backup !== null ? { step: 'restore_backup', backup } : ''
  return new AppError(known?.code ?? 'MIGRATION_FAILED', facts.join('; '), {
    hint: [...hintParts(known?.advice ?? HINTS[target]), ...hintParts(copy)],
    cause: reason,
  })
}

function what(
  failure: StepFailure | undefined,
  outcome: Outcome | undefined,
  reason: unknown,
  known: AppError | undefined,
): string {
  const text = reason instanceof Error ? reason.message : String(reason)
  if (!failure) return text
  const { direction, migration } = failure.step
  const became =
    outcome === 'undone'
      ? 'was rolled back'
      : outcome === 'unknown'
        ? 'failed'
        : 'failed, and a part of it was committed'
  const step = `migration ${migration.version} (${migration.name}, ${direction}) ${became}`
  return known ? `${text}; ${step}` : `${step}: ${text}`
}

/** Reads the version from the file, not from memory: after a failure only the file is reliable. */
async function where(writer: Connection): Promise<string> {
  return readApplied(writer).then(
    (applied) => `the database is at version ${currentVersion(applied)}`,
    () => '',
  )
}

function stayed(steps: AppliedStep[]): string {
  const of = (wanted: 'up' | 'down', word: string) => {
    const versions = steps.filter(({ direction }) => direction === wanted).map(({ version }) => version)
    if (versions.length === 0) return ''
    return versions.length === 1
      ? `migration ${versions[0]} stays ${word}`
      : `migrations ${versions.join(', ')} stay ${word}`
  }
  return [of('up', 'applied'), of('down', 'undone')].filter(Boolean).join('; ')
}
