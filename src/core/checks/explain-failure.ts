import { hintParts } from '../advice.ts'
import { structureProblems } from '../copy/inspect.ts'
import { causeError, type Diagnosis } from '../database/diagnosis.ts'
import { namePages, readErrorOnce } from '../database/diagnosis-with-keys.ts'
import type { Inquiry } from '../database/inquiry.ts'
import { OTHER_COPY } from '../database/probe.ts'
import { isBare, isEngineError } from '../engine/engine-errors.ts'
import { AppError } from '../errors.ts'
import { findDrift } from '../schema/drift.ts'
import { COMPARE_SCHEMA, NO_LOSS, SEARCH_INDEX } from '../schema/index-tables.ts'
import type { Migration } from '../schema/migrations.ts'
import { namedTables } from '../schema/table-names.ts'
import { indexProblems } from '../search/index-check.ts'
import { confirmedProblem, damageOnly, findHarmlessDamage, indexDamaged } from '../search/index-damage.ts'

/**
 * Finds the cause of a failure of an open database when the engine's own words do not show it: damage, and
 * whether it affects more than the full-text index; a disk that failed once; tables that differ from the
 * migrations. Returns any other error unchanged.
 */
export async function explainFailure(
  error: unknown,
  inquiry: Inquiry,
  migrations: Migration[],
): Promise<unknown> {
  if (error instanceof AppError && error.cause instanceof AppError) {
    return withCause(error, error.cause, await explainFailure(error.cause, inquiry, migrations))
  }
  const engine = engineError(error)
  if (!engine) return error
  const diagnosis = await inquiry.diagnose()
  const damage = await damageOf(error, inquiry, diagnosis)
  if (damage) return damage
  if (engine.code !== 'SQLITE_ERROR') return error
  const drift = await inquiry.read((reader) => findDrift(reader, migrations, engine))
  if (isBare(engine) && drift?.code !== 'CHECK_FAILED') return readErrorOnce(inquiry.path, error)
  if (!drift) return error
  // A rolled-back step keeps its code; what to do next is the same.
  return error instanceof AppError && error.code === 'MIGRATION_FAILED'
    ? new AppError(error.code, error.message, { hint: COMPARE_SCHEMA, cause: error })
    : drift
}

/** Adds the finding to an error that says more than its cause does. */
function withCause(error: AppError, known: AppError, found: unknown): AppError {
  if (found === known || !(found instanceof AppError)) return error
  return new AppError(found.code, error.message.replace(known.message, found.message), {
    hint: hintParts(error.advice).flatMap((part) =>
      hintParts(known.advice).includes(part) ? hintParts(found.advice) : [part],
    ),
    cause: found,
  })
}

/** Extends a diagnosis when the damage is in the full-text index only, so that no data is lost. */
export async function locateDamage(diagnosis: Diagnosis, read: Inquiry['read']): Promise<Diagnosis> {
  if (diagnosis.cause !== 'damaged' || (await findHarmlessDamage(read)) !== 'index') return diagnosis
  return {
    ...diagnosis,
    detail: `${diagnosis.detail}, in the full-text index`,
    hint: NO_LOSS,
  }
}

/** Returns the engine's error behind an error whose cause is not known yet. */
function engineError(error: unknown) {
  if (isEngineError(error)) return error
  if (!(error instanceof AppError) || !isEngineError(error.cause)) return undefined
  const { cause } = error
  return UNEXPLAINED.has(error.code) || MET_DAMAGE.has(cause.code) ? cause : undefined
}

/**
 * The engine's codes for a page that is damaged or could not be read; after that it reports that it is out of
 * memory.
 */
const MET_DAMAGE = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_NOMEM'])

const UNEXPLAINED = new Set(['CORRUPT', 'WRONG_KEY', 'MIGRATION_FAILED'])

async function damageOf(
  error: unknown,
  { path, read, form = 'encrypted' }: Inquiry,
  diagnosis: Diagnosis,
): Promise<AppError | undefined> {
  const { cause, pages } = diagnosis
  if (cause !== 'ok' && cause !== 'damaged') return causeError(diagnosis)
  const where = await findHarmlessDamage(read)
  if (where === 'index') return indexDamaged(path, pages.length > 0 ? namePages(pages) : '', error)
  if (cause === 'damaged') return causeError(diagnosis)
  if (!MET_DAMAGE.has(engineError(error)?.code ?? '')) return undefined
  // The key is right and every page authentic: the fault is in the tables themselves, or has disappeared.
  const ofIndex = await confirmedProblem(read, indexProblems)
  if (ofIndex !== undefined && (await hasIndex(read))) return indexDamaged(path, ofIndex, error)
  const problem = await confirmedProblem(read, async (reader) => damageOnly(await structureProblems(reader)))
  if (problem === undefined) return readErrorOnce(path, error)
  const words = problem.replace(`${path}: `, '').replace(/\s+/g, ' ')
  const what = words === DAMAGED ? words : `${DAMAGED}: ${words}`
  return new AppError('CORRUPT', `${path}: ${what}`, {
    hint: form === 'encrypted' ? { step: 'restore_latest', path } : OTHER_COPY,
    cause: error,
  })
}

/** The message of the engine's own error, see `explainEngineError`. */
const DAMAGED = 'the database is damaged'

const hasIndex = (read: Inquiry['read']) =>
  read(async (reader) => (await namedTables(reader)).some(({ name }) => name === SEARCH_INDEX))
