import type { Connection } from '../engine/connection.ts'
import type { EngineError } from '../engine/engine-errors.ts'
import { AppError } from '../errors.ts'
import { COMPARE_SCHEMA, REBUILD, SEARCH_INDEX } from './index-tables.ts'
import { latestVersion, type Migration } from './migrations.ts'
import { otherApplication } from './other-tables.ts'
import { type Finding, verifySchema } from './schema-check.ts'

/**
 * Explains why our SQL fails on the tables: they differ from what the migrations create (CHECK_FAILED), or
 * are older than the operation needs (PENDING). Undefined when they are as they should be, or when a newer
 * program created them.
 */
export async function findDrift(
  reader: Connection,
  migrations: Migration[],
  cause: EngineError,
): Promise<AppError | undefined> {
  const other = await otherApplication(reader)
  if (other) return other
  const { compared, findings, schema_version: version } = await verifySchema(reader, migrations)
  const [first, ...others] = findings.filter(concernsSql)
  if (first) {
    const more = others.length > 0 ? `, and ${others.length} more` : ''
    return new AppError(
      'CHECK_FAILED',
      `the tables are not as the migrations make them: ${describe(first)}${more} (${cause.message.replace(/^SQLITE_ERROR: /, '')})`,
      { hint: first.name.startsWith(SEARCH_INDEX) ? [REBUILD, COMPARE_SCHEMA] : COMPARE_SCHEMA, cause },
    )
  }
  const latest = latestVersion(migrations)
  if (!compared || version >= latest) return undefined
  return new AppError(
    'PENDING',
    `the database is at schema version ${version}; this may need version ${latest}`,
    { hint: { step: 'migrate' }, cause },
  )
}

/**
 * Returns true when a finding can affect SQL: an index changes no result, and neither does an extra table or
 * column.
 */
function concernsSql({ kind, type }: Finding): boolean {
  return type !== 'index' && (kind !== 'extra' || type === 'trigger' || type === 'view')
}

/** Describes a finding: `the column metadata of chat_messages is missing`. */
function describe({ kind, type, table, name }: Finding): string {
  const what = type.replace('_', ' ')
  const whose = table === name ? `the ${what} ${name}` : `the ${what} ${name} of ${table}`
  return `${whose} is ${{ missing: 'missing', extra: 'one that they do not make', changed: 'changed' }[kind]}`
}
