import { resolve } from 'node:path'
import { Option } from 'commander'
import type { View } from '../src/cli/output/view.ts'
import { type Check, databaseHealthCheck, type HealthReport } from '../src/core/checks/health.ts'
import { exitCodeOf } from '../src/core/errors.ts'
import type { Define } from './_define.ts'

/** The report with its hints in words. */
type Told = { status: HealthReport['status']; checks: (Omit<Check, 'hint'> & { hint: string })[] }

const view: View<Told> = {
  fields: ['name', 'status', 'message', 'hint'],
  rows: 'checks',
  text: ({ status, checks }, style) => {
    const paint = { ok: style.good, warn: style.caution, fail: style.bad, skipped: style.dim }
    const lines = checks.flatMap((check) => [
      `${paint[check.status](check.status.padEnd(7))}  ${check.name.padEnd(16)}  ${check.message}`,
      ...(check.hint && check.status !== 'skipped' ? [style.dim(`${' '.repeat(27)}→ ${check.hint}`)] : []),
    ])
    return `${[...lines, `the database is ${{ ok: 'healthy', warn: 'usable, with warnings', fail: 'not healthy' }[status]}`].join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .addOption(new Option('--quick', 'only what takes milliseconds').conflicts('full'))
    .option('--full', 'also read every page (the default)')
    .action(async ({ quick }: { quick?: boolean }) => {
      const ctx = context()
      const print = ctx.printer(view)
      const options = { migrations: await ctx.migrations(), quick, folders: [resolve('.')] }
      const { onProgress } = ctx.copying
      const report = await ctx.busy('checking', () =>
        databaseHealthCheck({ ...ctx.database, ...options, onProgress }),
      )
      if (report.status === 'fail') ctx.exitCode = exitCodeOf('CHECK_FAILED')
      const checks = report.checks.map(async (check) => ({ ...check, hint: await ctx.hint(check.hint) }))
      await print({ ...report, checks: await Promise.all(checks) })
    })
}

export default define
