import { type CopyOptions, soleSource } from '../copy/copy.ts'
import { structureProblems } from '../copy/inspect.ts'
import { replaceDatabase } from '../copy/replace.ts'
import { type DatabaseOptions, diagnose, inTransaction, withDatabase } from '../database/database.ts'
import { causeError } from '../database/diagnosis.ts'
import { withMemoryDatabase } from '../engine/connect.ts'
import type { Connection } from '../engine/connection.ts'
import { isBare, isEngineError } from '../engine/engine-errors.ts'
import { quoteName } from '../engine/quote-name.ts'
import { AppError } from '../errors.ts'
import { examineFile } from '../files/file-facts.ts'
import { recover } from '../files/recovery.ts'
import { INDEX_TABLES, SEARCH_INDEX } from '../schema/index-tables.ts'
import { readApplied } from '../schema/ledger.ts'
import { currentVersion, latestVersion, type Migration } from '../schema/migrations.ts'
import { incompleteIndex, indexProblems, requireIndex } from '../search/index-check.ts'
import { findHarmlessDamage } from '../search/index-damage.ts'
import { rebuildSearch } from '../search/search-index.ts'

/** Options that name the database, and the migrations that created it. */
export type RebuildOptions = DatabaseOptions & CopyOptions & { migrations: Migration[] }

/** A table, view or trigger of the index. */
interface IndexObject {
  type: string
  name: string
  sql: string
}

/**
 * Rebuilds the full-text index from the messages, whatever its state: usually in place, in one transaction.
 * When its pages are so damaged that SQLite cannot even drop them, builds the index beside them, then
 * rewrites the file without them and replaces the old one. Throws PENDING for a database that is older than
 * the index, CORRUPT when the damage affects more than the index, LOCKED while another program has it open.
 */
export async function rebuildSearchIndex(options: RebuildOptions): Promise<void> {
  await recover((await examineFile(options.path)).realPath)
  const objects = await withDatabase(options, (db) =>
    db.read((reader) => indexObjects(reader, options.migrations)),
  )
  const failure = await rebuildInPlace(options, objects)
  if (failure === undefined) return
  if (objects.length === 0) throw failure // a newer program made it: the parts of its index are unknown here
  const where = await findHarmlessDamage((work) =>
    withDatabase({ ...options, access: 'read', explain: undefined }, (db) => db.read(work)),
  )
  if (!where) throw causeError(await diagnose(options.path, options.keys))
  await withDatabase({ ...options, access: 'write' }, (db) =>
    db.alone(async (connection, sole) => {
      if (!db.key) throw new Error('a plaintext file is not rebuilt')
      await inTransaction(connection, () => replaceIndex(connection, objects))
      await replaceDatabase({
        ...options,
        operation: 'rebuild',
        path: db.facts.realPath,
        source: soleSource(db, connection),
        key: db.key,
        wal: sole.usesWal,
        standing: sole,
      })
    }),
  )
}

/** Returns the parts of the index at the version of the database, in order of their creation. */
async function indexObjects(reader: Connection, migrations: Migration[]): Promise<IndexObject[]> {
  const version = currentVersion(await readApplied(reader))
  if (version > latestVersion(migrations)) return []
  const objects = await withMemoryDatabase(async (memory) => {
    for (const { up } of migrations.slice(0, version)) await memory.exec(up)
    return memory.all<IndexObject>(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name LIKE ? ESCAPE '\\' ORDER BY rowid",
      [`${SEARCH_INDEX.replaceAll('_', '\\_')}%`],
    )
  })
  if (objects.length === 0) await requireIndex(reader)
  return objects.filter(
    ({ name }) => name === `${SEARCH_INDEX}_rows` || !INDEX_TABLES.slice(1).includes(name),
  )
}

/**
 * Rebuilds the index in place; resolves to the error that prevents this, in which case everything is
 * unchanged.
 */
async function rebuildInPlace(options: RebuildOptions, objects: IndexObject[]): Promise<unknown> {
  const { path, keys } = options
  const diagnosis = await diagnose(path, keys)
  if (diagnosis.pages.length > 0) return causeError(diagnosis)
  try {
    await withDatabase({ ...options, access: 'write', explain: undefined }, (db) =>
      db.transaction(async (writer) => {
        for (const object of objects) await restoreObject(writer, object)
        await rebuildSearch(writer)
        await refuseUnsound(writer)
      }),
    )
    return undefined
  } catch (error) {
    const isDamage =
      error instanceof AppError && ['CORRUPT', 'WRONG_KEY', 'CHECK_FAILED'].includes(error.code)
    const failedTable = error instanceof AppError && isEngineError(error.cause) && isBare(error.cause)
    if (isDamage || failedTable || isEngineError(error)) return error
    throw error
  }
}

async function restoreObject(writer: Connection, { type, name, sql }: IndexObject): Promise<void> {
  const found = await writer.get<IndexObject>('SELECT type, sql FROM sqlite_schema WHERE name = ?', [name])
  if (found?.type === type && found.sql === sql) return
  if (found) await writer.exec(`DROP ${found.type} ${quoteName(name)}`)
  await writer.exec(sql)
}

/** Builds the index again without touching a page of the old one, of which only the names are removed. */
async function replaceIndex(writer: Connection, objects: IndexObject[]): Promise<void> {
  const names = JSON.stringify([...INDEX_TABLES, ...objects.map(({ name }) => name)])
  await writer.exec('PRAGMA writable_schema = ON')
  try {
    await writer.run(
      `DELETE FROM sqlite_schema WHERE name IN (SELECT value FROM json_each(?1))
         OR tbl_name IN (SELECT value FROM json_each(?1))`,
      [names],
    )
  } finally {
    await writer.exec('PRAGMA writable_schema = RESET') // also reloads the schema
  }
  for (const { sql } of objects) await writer.exec(sql)
  await rebuildSearch(writer)
  const [problem] = await indexProblems(writer)
  if (problem !== undefined) throw incompleteIndex(problem)
}

/** Throws when damaged pages that are now unused are still in the file: then the file has to be rewritten. */
async function refuseUnsound(writer: Connection): Promise<void> {
  const unused = (await structureProblems(writer)).filter((line) => line.includes('never used'))
  const [problem] = [...unused, ...(await indexProblems(writer))]
  if (problem !== undefined) throw incompleteIndex(problem)
}
