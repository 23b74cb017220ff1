import { lstat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { namePages, pagesNamed } from './cause.ts'
import type { Connection } from './connection.ts'
import { type Database, type DatabaseOptions, withDatabase } from './database.ts'
import { AppError, type OutcomeCode } from './errors.ts'
import { examineFile, type FileFacts } from './file-facts.ts'
import { readApplied } from './ledger.ts'
import { type Migration, migrationStates } from './migrations.ts'
import { quoteName } from './row-counts.ts'
import { verifySchema } from './schema-check.ts'
import { recover } from './unfinished.ts'

/** All checks, and what they come to. */
export interface HealthReport {
  /** The worst of the checks; a skipped one counts as ok. */
  status: 'ok' | 'warn' | 'fail'
  checks: Check[]
}

/** What one check found. */
export interface Check {
  name: string
  status: 'ok' | 'warn' | 'fail' | 'skipped'
  message: string
  /** What to do; empty when there is nothing to do. */
  hint: string
}

type Verdict = Omit<Check, 'name'>

const ok = (message: string): Verdict => ({ status: 'ok', message, hint: '' })
const warn = (message: string, hint: string): Verdict => ({ status: 'warn', message, hint })
const fail = (message: string, hint: string): Verdict => ({ status: 'fail', message, hint })

const RESTORE = 'libreollama-db restore latest puts a backup in its place and keeps the damaged file'
const LARGE_WAL = 64 * 1024 * 1024

/**
 * Checks a database without changing a byte of it; what a killed operation left beside it is brought to an end first.
 * The quick checks take milliseconds; the others read the whole
 * file. Damage that keeps the file from opening is a failed check; a wrong key or a missing file is thrown.
 */
export async function databaseHealthCheck(
  options: DatabaseOptions & { migrations: Migration[]; quick?: boolean },
): Promise<HealthReport> {
  const checks: Check[] = await endInterrupted(options.path)
  try {
    const opening = { ...options, access: 'read', recover: false, onLostCommits: () => {} } as const
    await withDatabase(opening, async (db) => {
      for (const [name, check] of Object.entries(QUICK_CHECKS)) {
        checks.push({ name, ...(await check(db, options.migrations)) })
      }
      let skip: Verdict | undefined = options.quick ? READS_ALL : undefined
      for (const [name, check] of Object.entries(FULL_CHECKS)) {
        const verdict: Verdict = skip ?? (await db.read(check))
        checks.push({ name, ...verdict })
        // A connection that met a page that is not authentic answers nothing more that could be believed.
        if (check === checkPages && verdict.status === 'fail') skip = PAGES_FIRST
      }
    })
  } catch (error) {
    const verdict = error instanceof AppError ? OPENING_VERDICTS[error.code] : undefined
    if (!verdict || !(error instanceof AppError)) throw error
    checks.push({ name: 'open', ...verdict(error.message, error.hint) })
  }
  const worst = (['fail', 'warn'] as const).find((status) => checks.some((check) => check.status === status))
  return { status: worst ?? 'ok', checks }
}

/** Damage fails; half a transaction that waits to be rolled back is only told. */
const OPENING_VERDICTS: Partial<Record<OutcomeCode, typeof fail>> = { CORRUPT: fail, CHECK_FAILED: warn }

const READS_ALL: Verdict = {
  status: 'skipped',
  message: 'reads the whole file',
  hint: 'libreollama-db health --full',
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

const FULL_CHECKS: Record<string, (reader: Connection) => Promise<Verdict>> = {
  pages: checkPages,
  structure: checkStructure,
  foreign_keys: checkForeignKeys,
  metadata: checkMetadata,
  search_index: checkSearchIndex,
}

/** What killed operations left is told only where there was something. */
async function endInterrupted(path: string): Promise<Check[]> {
  const recovered = await recover((await examineFile(path)).realPath)
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
  if (mode & 0o077) return warn(`others may use the file (mode ${mode.toString(8)})`, `chmod 600 ${realPath}`)
  if (folder & 0o022 && !(folder & 0o1000)) {
    return warn(
      `others may replace the file (folder mode ${folder.toString(8)})`,
      `chmod 700 ${dirname(realPath)}`,
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
    const { lostCommitsCause } = await import('./lost-commits.ts')
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
  const states = migrationStates(migrations, await readApplied(reader))
  const of = (state: string) =>
    states.filter((migration) => migration.state === state).map(({ version }) => version)
  if (of('edited').length) {
    return fail(`edited after they were applied: ${of('edited').join(', ')}`, 'libreollama-db migrate status')
  }
  if (of('missing').length) {
    return warn(`made by a newer program: version ${of('missing').join(', ')}`, 'update libreollama-db')
  }
  return of('pending').length
    ? warn(`pending: ${of('pending').join(', ')}`, 'libreollama-db migrate up')
    : ok(`at version ${states.length}, the latest`)
}

async function checkSchema(reader: Connection, migrations: Migration[]): Promise<Verdict> {
  const { valid, compared, findings } = await verifySchema(reader, migrations)
  if (!compared)
    return { status: 'skipped', message: 'the schema of a newer program is not known here', hint: '' }
  return valid
    ? ok('tables, columns, keys and indexes are as the migrations make them')
    : fail(`${findings.length} differences from what the migrations make`, 'libreollama-db verify-schema')
}

async function checkPages(reader: Connection): Promise<Verdict> {
  const rows = await reader.all<{ cipher_integrity_check: string }>('PRAGMA cipher_integrity_check')
  if (rows.length === 0) return ok('every page is authentic')
  const pages = pagesNamed(rows.map((row) => row.cipher_integrity_check))
  return fail(`not authentic: ${namePages(pages)}`, RESTORE)
}

async function checkStructure(reader: Connection): Promise<Verdict> {
  const rows = await reader.all<{ integrity_check: string }>('PRAGMA integrity_check')
  const first = rows[0]?.integrity_check
  return first === 'ok' ? ok('tables and indexes agree') : fail(`integrity check: ${first}`, RESTORE)
}

async function checkForeignKeys(reader: Connection): Promise<Verdict> {
  const rows = await reader.all<{ table: string }>('SELECT DISTINCT "table" FROM pragma_foreign_key_check')
  if (rows.length === 0) return ok('every reference has its record')
  const tables = rows.map(({ table }) => table).join(', ')
  return fail(
    `references to records that do not exist in: ${tables}`,
    'PRAGMA foreign_key_check lists the rows',
  )
}

async function checkMetadata(reader: Connection): Promise<Verdict> {
  const tables = await reader.all<{ name: string }>(
    `SELECT DISTINCT t.name FROM pragma_table_list t, pragma_table_info(t.name) c
     WHERE t.schema = 'main' AND t.type = 'table' AND c.name = 'metadata' ORDER BY t.name`,
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

/** The triggers keep the index current and the schema check sees to the triggers; here, that no message was missed. */
async function checkSearchIndex(reader: Connection): Promise<Verdict> {
  const index = await reader.get("SELECT 1 FROM sqlite_schema WHERE name = 'message_search_rows'")
  if (!index) return { status: 'skipped', message: 'this schema version has no full-text index', hint: '' }
  const row = await reader.get<{ missing: number; dangling: number }>(
    `SELECT (SELECT count(*) FROM chat_messages WHERE id NOT IN (SELECT message_id FROM message_search_rows)) AS missing,
       (SELECT count(*) FROM message_search_rows WHERE message_id NOT IN (SELECT id FROM chat_messages)) AS dangling`,
  )
  return row?.missing || row?.dangling
    ? fail(
        `${row.missing} messages are not in the full-text index, ${row.dangling} in it are gone`,
        'libreollama-db search --rebuild',
      )
    : ok('every message can be searched')
}
