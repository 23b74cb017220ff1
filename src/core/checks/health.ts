import { lstat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Hint } from '../advice.ts'
import { structureProblems } from '../copy/inspect.ts'
import { type Database, type DatabaseOptions, diagnose, withDatabase } from '../database/database.ts'
import { causeError } from '../database/diagnosis.ts'
import {
  namePages,
  pagesNamed,
  pagesUnread,
  readErrorOnce,
  unreadable,
} from '../database/diagnosis-with-keys.ts'
import type { Inquiry } from '../database/inquiry.ts'
import type { Connection } from '../engine/connection.ts'
import { isEngineError } from '../engine/engine-errors.ts'
import { quoteName } from '../engine/quote-name.ts'
import { AppError, type OutcomeCode } from '../errors.ts'
import { examineFile, type FileFacts } from '../files/file-facts.ts'
import { recover, recoverExports } from '../files/recovery.ts'
import type { OnProgress } from '../progress.ts'
import { COMPARE_SCHEMA, NO_LOSS } from '../schema/index-tables.ts'
import { readApplied } from '../schema/ledger.ts'
import { currentVersion, type Migration, migrationStates } from '../schema/migrations.ts'
import { hasChats, otherApplication } from '../schema/other-tables.ts'
import { verifySchema } from '../schema/schema-check.ts'
import { ordinaryTables } from '../schema/table-names.ts'
import { INDEX_SINCE, indexProblems } from '../search/index-check.ts'
import {
  confirmedProblem,
  damageOnly,
  findHarmlessDamage,
  type HarmlessDamage,
} from '../search/index-damage.ts'
import { shellWord } from '../shell-word.ts'
import { explainFailure } from './explain-failure.ts'

/** All checks, and their overall result. */
export interface HealthReport {
  /** The worst status of all checks; a skipped one counts as ok. */
  status: 'ok' | 'warn' | 'fail'
  checks: Check[]
}

/** The result of one check. */
export interface Check {
  name: string
  status: 'ok' | 'warn' | 'fail' | 'skipped'
  message: string
  /** The hint; empty when there is nothing to do. */
  hint: Hint
}

type Verdict = Omit<Check, 'name'>

const ok = (message: string): Verdict => ({ status: 'ok', message, hint: '' })
const warn = (message: string, hint: Hint): Verdict => ({ status: 'warn', message, hint })
const fail = (message: string, hint: Hint): Verdict => ({ status: 'fail', message, hint })

const RESTORE: Hint = { step: 'restore_latest' }
const MENDS_INDEX = NO_LOSS
const MENDS_FILE: Hint = [
  'no record is lost',
  { step: 'rebuild_index', about: 'write the file again without them' },
]
const LARGE_WAL = 64 * 1024 * 1024

/**
 * Checks a database without changing a byte of it; first finishes or rolls back interrupted operations, and
 * removes the plaintext that a killed export left beside it or in one of `folders`. The quick checks take
 * milliseconds; the others read the whole file. Damage that keeps the file from opening is a failed check; a
 * wrong key or a missing file is thrown.
 */
export async function databaseHealthCheck(
  options: DatabaseOptions & {
    migrations: Migration[]
    quick?: boolean
    folders?: string[]
    /** Called when one of the checks that read the whole file begins. */
    onProgress?: OnProgress
  },
): Promise<HealthReport> {
  const checks: Check[] = await endInterrupted(options.path, options.folders)
  try {
    const opening = { ...options, access: 'read', recover: false, onLostCommits: () => {} } as const
    await withDatabase(opening, async (db) => {
      const inquiry: Inquiry = {
        path: options.path,
        diagnose: () => diagnose(options.path, options.keys),
        read: (work) => db.read(work),
      }
      const judge = (check: () => Promise<Verdict>) =>
        check().catch(async (error) => asVerdict(await explainFailure(error, inquiry, options.migrations)))
      for (const [name, check] of Object.entries(QUICK_CHECKS)) {
        checks.push({ name, ...(await judge(() => check(db, options.migrations))) })
      }
      let skip: Partial<Record<string, Verdict>> | undefined
      for (const [name, check] of Object.entries(FULL_CHECKS)) {
        if (options.quick) checks.push({ name, ...READS_ALL })
        else if (skip) checks.push({ name, ...(skip[name] ?? PAGES_FIRST) })
        else {
          options.onProgress?.({ phase: 'checking', step: name.replaceAll('_', ' ') })
          const verdict = await judge(() => check(db))
          checks.push({ name, ...verdict })
          // After a connection has met a page that is not authentic, its answers cannot be trusted.
          if (check === checkPages && verdict.status === 'fail') {
            skip = verdict.hint === MENDS_INDEX ? { search_index: fail(verdict.message, MENDS_INDEX) } : {}
          }
        }
      }
    })
  } catch (error) {
    const verdict = error instanceof AppError ? OPENING_VERDICTS[error.code] : undefined
    if (!verdict || !(error instanceof AppError)) throw error
    checks.push({ name: 'open', ...verdict(error.message, error.advice) })
  }
  const worst = (['fail', 'warn'] as const).find((status) => checks.some((check) => check.status === status))
  return { status: worst ?? 'ok', checks }
}

/** Turns a failure of a check into a finding; throws anything but damage and drift. */
function asVerdict(error: unknown): Verdict {
  if (error instanceof AppError && ['CORRUPT', 'CHECK_FAILED', 'PENDING'].includes(error.code))
    return fail(error.message, error.advice)
  throw error
}

/** Damage fails; an unfinished transaction that waits to be rolled back is only a warning. */
const OPENING_VERDICTS: Partial<Record<OutcomeCode, typeof fail>> = { CORRUPT: fail, CHECK_FAILED: warn }

const READS_ALL: Verdict = {
  status: 'skipped',
  message: 'reads the whole file',
  hint: { step: 'check_health', about: 'run it' },
}
const PAGES_FIRST: Verdict = { status: 'skipped', message: 'not checked while pages are damaged', hint: '' }

const QUICK_CHECKS: Record<string, (db: Database, migrations: Migration[]) => Promise<Verdict>> = {
  encryption: (db) => db.read(checkEncryption),
  permissions: (db) => checkPermissions(db.facts),
  disk_space: (db) => checkDiskSpace(db.facts),
  write_ahead_log: (db) => checkWriteAheadLog(db.facts),
  migrations: (db, migrations) => db.read((reader) => checkMigrations(reader, migrations)),
  schema: (db, migrations) => db.read((reader) => checkSchema(reader, migrations)),
}

const FULL_CHECKS: Record<string, (db: Database) => Promise<Verdict>> = {
  pages: checkPages,
  structure: checkStructure,
  foreign_keys: (db) => db.read(checkForeignKeys),
  metadata: (db) => db.read(checkMetadata),
  search_index: (db) => db.read(checkSearchIndex),
}

/** Reports what interrupted operations left, only when there was something. */
async function endInterrupted(path: string, folders: string[] = []): Promise<Check[]> {
  const { realPath } = await examineFile(path)
  const recovered = await recover(realPath)
  for (const folder of [dirname(realPath), ...folders]) recovered.push(...(await recoverExports(folder)))
  return recovered.map(({ operation, outcome }) => ({
    name: 'interrupted',
    ...ok(`a killed ${operation} is ${outcome} now`),
  }))
}

async function checkEncryption(reader: Connection): Promise<Verdict> {
  const cipher = await reader.get<{ cipher_version: string }>('PRAGMA cipher_version')
  return ok(`SQLCipher ${cipher?.cipher_version}; the key opens the database`)
}

async function checkPermissions({ realPath, mode }: FileFacts): Promise<Verdict> {
  const folder = (await lstat(dirname(realPath))).mode & 0o7777
  if (mode & 0o077)
    return warn(`others may use the file (mode ${mode.toString(8)})`, `chmod 600 ${shellWord(realPath)}`)
  if (folder & 0o022 && !(folder & 0o1000)) {
    return warn(
      `others may replace the file (folder mode ${folder.toString(8)})`,
      `chmod 700 ${shellWord(dirname(realPath))}`,
    )
  }
  return ok('only you can read and write the file')
}

async function checkDiskSpace({ realPath, size }: FileFacts): Promise<Verdict> {
  const disk = await statfs(dirname(realPath))
  const free = disk.bavail * disk.bsize
  return free > 2 * size
    ? ok('there is room for a copy of the database')
    : warn(
        `${free} bytes are free, too few for a safe copy of ${size} bytes`,
        'free some space; df -h shows how much',
      )
}

async function checkWriteAheadLog(facts: FileFacts): Promise<Verdict> {
  const { walBytes, lostCommits } = facts
  if (lostCommits) {
    const { lostCommitsCause } = await import('../database/lost-commits.ts')
    const { detail, hint } = lostCommitsCause(facts, lostCommits)
    return fail(detail, hint)
  }
  if (walBytes === undefined || walBytes === 0) return ok('nothing waits in the -wal file')
  return walBytes > LARGE_WAL
    ? warn(`${walBytes} bytes wait in the -wal file`, 'close the programs that use the database')
    : ok(
        `${walBytes} bytes wait in the -wal file: the database is in use, or a program ended without closing it`,
      )
}

async function checkMigrations(reader: Connection, migrations: Migration[]): Promise<Verdict> {
  const other = await otherApplication(reader)
  if (other) return fail(other.message, other.advice)
  const applied = await readApplied(reader)
  if (applied.length === 0 && (await hasChats(reader)))
    return fail('the tables of chats are there, and no schema version', COMPARE_SCHEMA)
  const states = migrationStates(migrations, applied)
  const of = (state: string) =>
    states.filter((migration) => migration.state === state).map(({ version }) => version)
  if (of('edited').length) {
    return fail(`edited after they were applied: ${of('edited').join(', ')}`, { step: 'migration_status' })
  }
  if (of('missing').length) {
    return warn(`made by a newer program: version ${of('missing').join(', ')}`, 'update this program')
  }
  return of('pending').length
    ? warn(`pending: ${of('pending').join(', ')}`, { step: 'migrate' })
    : ok(`at version ${states.length}, the latest`)
}

async function checkSchema(reader: Connection, migrations: Migration[]): Promise<Verdict> {
  if (await otherApplication(reader))
    return { status: 'skipped', message: 'another application has its own schema', hint: '' }
  const { valid, compared, findings } = await verifySchema(reader, migrations)
  if (!compared)
    return { status: 'skipped', message: 'the schema of a newer program is not known here', hint: '' }
  return valid
    ? ok('tables, columns, keys and indexes are as the migrations make them')
    : fail(`${findings.length} differences from what the migrations make`, COMPARE_SCHEMA)
}

async function checkPages(db: Database): Promise<Verdict> {
  const report = await db.read((reader) =>
    reader.all<{ cipher_integrity_check: string }>('PRAGMA cipher_integrity_check'),
  )
  if (report.length === 0) return ok('every page is authentic')
  const lines = report.map((row) => row.cipher_integrity_check)
  const pages = namePages(pagesNamed(lines))
  const unread = pagesUnread(lines)
  if (unread.length > 0) throw causeError(unreadable(db.facts.path, unread))
  const where = await findHarmlessDamage((work) => db.read(work))
  return fail(`not authentic: ${pages}${where ? LYING[where] : ''}`, where ? MENDS[where] : RESTORE)
}

const LYING: Record<HarmlessDamage, string> = {
  index: ', in the full-text index',
  unused: ', in space that nothing uses',
}
const MENDS: Record<HarmlessDamage, Hint> = { index: MENDS_INDEX, unused: MENDS_FILE }

async function checkStructure(db: Database): Promise<Verdict> {
  const lines = await db.read(structureProblems).catch(unlessDamaged)
  const [first] = lines
  if (first === undefined) return ok('tables and indexes agree')
  const again = await confirmedProblem((work) => db.read(work), structureProblems)
  if (again === undefined) throw readErrorOnce(db.facts.path, undefined)
  const where = damageOnly(lines).length > 0 && (await findHarmlessDamage((work) => db.read(work)))
  if (where === 'index') return ok('tables and indexes agree, apart from the full-text index')
  return fail(`integrity check: ${first}`, where ? MENDS_FILE : RESTORE)
}

/** Returns the error as a problem when a full-text index that cannot even be opened ends the whole check. */
function unlessDamaged(error: unknown): string[] {
  if (isEngineError(error) || (error instanceof AppError && error.code === 'CORRUPT')) return [error.message]
  throw error
}

async function checkForeignKeys(reader: Connection): Promise<Verdict> {
  const rows = await reader.all<{ table: string }>('SELECT DISTINCT "table" FROM pragma_foreign_key_check')
  if (rows.length === 0) return ok('every reference has its record')
  const tables = rows.map(({ table }) => table).join(', ')
  return fail(`references to records that do not exist in: ${tables}`, {
    step: 'query_example',
    sql: 'PRAGMA foreign_key_check',
    about: 'list the rows',
  })
}

async function checkMetadata(reader: Connection): Promise<Verdict> {
  const tables = await reader.all<{ name: string }>(
    `SELECT DISTINCT t.value AS name FROM json_each(?) t, pragma_table_info(t.value) c WHERE c.name = 'metadata'`,
    [JSON.stringify(await ordinaryTables(reader))],
  )
  const broken: string[] = []
  for (const { name } of tables) {
    const row = await reader.get<{ n: number }>(
      `SELECT count(*) AS n FROM ${quoteName(name)} WHERE metadata IS NOT NULL AND NOT json_valid(metadata)`,
    )
    if (row?.n) broken.push(`${name} (${row.n})`)
  }
  return broken.length
    ? warn(
        `metadata that is not JSON in: ${broken.join(', ')}`,
        'correct or clear the metadata of these records',
      )
    : ok('all metadata is JSON')
}

async function checkSearchIndex(reader: Connection): Promise<Verdict> {
  if (currentVersion(await readApplied(reader)) < INDEX_SINCE)
    return { status: 'skipped', message: 'this schema version has no full-text index', hint: '' }
  const [problem] = await indexProblems(reader)
  return problem === undefined
    ? ok('every message can be searched')
    : fail(`the full-text index is damaged: ${problem}`, MENDS_INDEX)
}
