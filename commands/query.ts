import { InvalidArgumentError } from 'commander'
import { withDatabase } from '../src/core/database/database.ts'
import { checkQuery, runQuery } from '../src/core/query/query.ts'
import type { Define } from './_define.ts'

const define: Define = (command, context) => {
  command
    .argument('<sql>', 'one statement')
    .option(
      '-p, --param <name=value>',
      'a value for :name in the statement, a number where it is written like one; may be repeated',
      parameter,
    )
    .option('--write', 'allow it to change data')
    .action(
      async (
        sql: string,
        { param = {}, write = false }: { param?: Record<string, string>; write?: boolean },
      ) => {
        const ctx = context()
        const query = checkQuery(sql, { parameters: param, write })
        const rows = await withDatabase({ ...ctx.database, access: write ? 'write' : 'read' }, (db) =>
          runQuery(db, query),
        )
        if (write) ctx.did('the statement was run')
        // The columns are known only now.
        await ctx.printer({ fields: Object.keys(rows[0] ?? {}) })(rows)
      },
    )
}

function parameter(text: string, given: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^[:@$]?([A-Za-z_]\w*)=([\s\S]*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write it as name=value.')
  if (Object.hasOwn(given, name)) throw new InvalidArgumentError(`${name} has a value already.`)
  return { ...given, [name]: value }
}

export default define
