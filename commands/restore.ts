import { resolve } from 'node:path'
import { commandLine } from '../src/cli/command-line.ts'
import type { Context } from '../src/cli/context.ts'
import type { View } from '../src/cli/output/view.ts'
import { humanBytes } from '../src/cli/terminal.ts'
import { findBackup } from '../src/core/backup/own-backups.ts'
import { AppError } from '../src/core/errors.ts'
import { type RestoreReport, restoreDatabase } from '../src/core/operations/restore.ts'
import type { Standing } from '../src/core/schema/replaced-database.ts'
import { totalRows } from '../src/core/schema/row-counts.ts'
import type { Define } from './_define.ts'
import { agreeToOtherNames } from './_other-names.ts'
import { tellRecovered } from './_recovered.ts'
import { backupOptions } from './backup.ts'

interface Options {
  to?: string
  dir?: string
  otherDatabase?: boolean
}

interface Result extends RestoreReport {
  /** The command that restores the replaced file; undefined when that file does not open. */
  undo?: string
}

const view: View<Result> = {
  fields: ['path', 'from', 'schema_version', 'counts', 'previous', 'problems', 'recovered'],
  done: ({ path, from, previous }) =>
    `${path} was restored from ${from}${previous ? `; the database from before is ${previous}` : ''}`,
  text: ({ path, from, counts, previous, undo }, style) => {
    const rows = totalRows(counts)
    const lines = [style.bold(path), `restored from ${from}; ${rows} rows were compared`]
    if (previous) lines.push(`the database from before: ${previous}`)
    if (undo) lines.push(undo)
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .argument('<file|latest>', 'a backup; `latest` of the folder')
    .option('--to <path>', 'restore to a new file instead of the database')
    .option('--dir <path>', 'the folder of the backups, for `latest`')
    .option('--other-database', 'replace the database although this is, or may be, a backup of another one')
    .action(async (named: string, { to, dir, otherDatabase }: Options) => {
      const ctx = context()
      const print = ctx.printer(view)
      if (named === '')
        throw new AppError('USAGE', 'the name of the backup is empty', {
          hint: { step: 'list_backups' },
        })
      const options = backupOptions(ctx, dir)
      const from = resolve(await findBackup(named, { ...options, whole: true }))
      const path = to === undefined ? ctx.path : resolve(to)
      const otherNames = to === undefined ? await agreeToOtherNames(ctx, path) : false
      let replaced: Standing | undefined
      const confirm = (standing: Standing) => {
        replaced = standing
        return confirmReplacement(ctx, standing, from)
      }
      const report = await ctx.busy('reading', () =>
        restoreDatabase({
          ...options,
          path,
          from,
          toNew: to !== undefined,
          otherDatabase,
          otherNames,
          confirm,
        }),
      )
      tellRecovered(ctx, report.recovered)
      await print({ ...report, undo: howToUndo(ctx, report, replaced, otherDatabase) })
    })
}

function howToUndo(
  ctx: Context,
  { previous }: RestoreReport,
  replaced?: Standing,
  other?: boolean,
): string | undefined {
  if (!previous || (replaced?.unread && !replaced.mayBeHealthy)) return undefined
  const restore = ['restore', previous, ...(other ? ['--other-database'] : [])]
  if (!replaced?.mayBeHealthy) return `to undo: ${ctx.commandLine(...restore)}`
  return `to undo, with its own key: ${commandLine(restore, { db: ctx.options.db })}`
}

/**
 * Asks for confirmation if there is a user; otherwise there is no need to ask, since the old file is kept.
 */
async function confirmReplacement(ctx: Context, standing: Standing, from: string): Promise<void> {
  if (!ctx.hasPerson) return
  const { path, bytes, rows, unread } = standing
  const content = rows === null ? `it cannot be read: ${unread?.message ?? ''}` : `${rows} rows`
  await ctx.confirm(`Replace ${path} (${humanBytes(bytes)}, ${content}), which is kept, with ${from}?`)
}

export default define
