import type { View } from '../src/cli/output/view.ts'
import { withDatabase } from '../src/core/database/database.ts'
import { exitCodeOf } from '../src/core/errors.ts'
import { type SchemaReport, verifySchema } from '../src/core/schema/schema-check.ts'
import type { Define } from './_define.ts'

const view: View<SchemaReport> = {
  fields: ['kind', 'type', 'table', 'name', 'expected', 'actual', 'fix_sql'],
  rows: 'findings',
  blocks: ['fix_sql'],
  text: ({ compared, schema_version, expected_version, findings }, style) => {
    if (!compared) {
      return `not compared: version ${schema_version} is newer than ${expected_version}, the newest that is known here\n`
    }
    if (findings.length === 0)
      return `${style.good('ok')}: the schema is as the migrations make version ${schema_version}\n`
    const lines = findings.flatMap(({ kind, type, table, name, expected, actual, fix_sql }) => [
      `${style.bad(kind)} ${type.replace('_', ' ')} ${style.bold(table === name ? name : `${table}.${name}`)}`,
      ...(kind === 'changed' ? [`  expected: ${expected ?? '-'}`, `  actual:   ${actual ?? '-'}`] : []),
      ...fix_sql.split('\n').map((line, index) => `  ${index ? '          ' : 'mend with:'} ${line}`),
    ])
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command.action(async () => {
    const ctx = context()
    const print = ctx.printer(view)
    const migrations = await ctx.migrations()
    const report = await withDatabase(ctx.database, (db) =>
      db.read((reader) => verifySchema(reader, migrations)),
    )
    if (!report.valid) ctx.exitCode = exitCodeOf('CHECK_FAILED')
    await print(report)
  })
}

export default define
