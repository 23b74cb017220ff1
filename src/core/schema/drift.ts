import type { Connection } from '../engine/connection.ts'
import type { EngineError } from '../engine/engine-errors.ts'
import { AppError } from '../errors.ts'
import { REBUILD, SEARCH_INDEX } from './index-tables.ts'
import { latestVersion, type Migration } from './migrations.ts'
import { type Finding, verifySchema } from './schema-check.ts'

/** Where the schema is compared, and how it is repaired. */
export const COMPARE_SCHEMA = { step: 'compare_schema' } as const

/**
 * Why SQL of ours does not fit the tables: they are not as the migrations make them (CHECK_FAILED), or older
 * than what was run needs (PENDING). Undefined where they are as they should be, or where a newer program
 * made them.
 */
export async function findDrift(
  reader: Connection,
  migrations: Migration[],
  cause: EngineError,
): Promise<AppError | undefined> {
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

/** An index changes no answer, and neither does a table or a column that is there in addition. */
function concernsSql({ kind, type }: Finding): boolean {
  return type !== 'index' && (kind !== 'extra' || type === 'trigger' || type === 'view')
}

/** `the column metadata of chat_messages is missing`. */
function describe({ kind, type, table, name }: Finding): string {
  const what = type.replace('_', ' ')
  const whose = table === name ? `the ${what} ${name}` : `the ${what} ${name} of ${table}`
  return `${whose} is ${{ missing: 'missing', extra: 'one that they do not make', changed: 'changed' }[kind]}`
}
