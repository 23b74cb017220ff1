import { resolve } from 'node:path'
import type { View } from '../src/cli/output.ts'
import { safe } from '../src/cli/terminal.ts'
import { findBackup } from '../src/core/own-backups.ts'
import { type RestoreReport, restoreDatabase } from '../src/core/restore.ts'
import { totalRows } from '../src/core/row-counts.ts'
import { tellRecovered } from './_recovered.ts'
import { backupOptions } from './backup.ts'
import type { Define } from './index.ts'

interface Options {
  to?: string
  dir?: string
  otherDatabase?: boolean
}

const view: View<RestoreReport> = {
  fields: ['path', 'from', 'schema_version', 'counts', 'previous', 'recovered'],
  text: ({ path, from, counts, previous }, style) => {
    const rows = totalRows(counts)
    const lines = [style.bold(safe(path)), `restored from ${safe(from)}; ${rows} rows were compared`]
    if (previous)
      lines.push(
        `the database from before: ${safe(previous)}`,
        `to undo: libreollama-db restore ${safe(previous)}`,
      )
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .argument('<file|latest>', 'a backup; `latest` of the folder')
    .option('--to <path>', 'restore to a new file instead of the database')
    .option('--dir <path>', 'the folder of the backups, for `latest`')
    .option('--other-database', 'replace the database although this is a backup of another one')
    .action(async (named: string, { to, dir, otherDatabase }: Options) => {
      const ctx = context()
      const print = ctx.printer(view)
      const options = backupOptions(ctx, dir)
      const from = resolve(await findBackup(named, { ...options, whole: true }))
      const path = to === undefined ? ctx.path : resolve(to)
      const report = await restoreDatabase({ ...options, path, from, toNew: to !== undefined, otherDatabase })
      tellRecovered(ctx, report.recovered)
      await print(report)
    })
}

export default define
