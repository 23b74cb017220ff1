import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { Context } from '../src/cli/context.ts'
import type { View } from '../src/cli/output/view.ts'
import { humanBytes, localTime } from '../src/cli/terminal.ts'
import { type Backup, createBackup, nameFirst } from '../src/core/backup/backup.ts'
import type { KeepRules } from '../src/core/backup/keep-rules.ts'
import { findBackup, type ListedBackup, listBackups } from '../src/core/backup/own-backups.ts'
import { type Pruned, pruneBackups } from '../src/core/backup/prune-backups.ts'
import { type Verification, verifyBackup, verifyBackups } from '../src/core/backup/verify-backup.ts'
import { AppError, exitCodeOf } from '../src/core/errors.ts'
import { counted } from '../src/core/plural.ts'
import { totalRows } from '../src/core/schema/row-counts.ts'
import type { Define } from './_define.ts'

const FIELDS = [
  'path',
  'bytes',
  'sha256',
  'schema_version',
  'created_at',
  'counts',
  'verified_at',
  'problems',
] as const

const createView: View<Backup> = {
  fields: FIELDS,
  done: ({ path }) => `the backup ${path} was made`,
  text: ({ path, bytes, counts, schema_version, problems }, style) => {
    const told = problems.length
      ? `equal to the database, which has problems:\n${problems.map((problem) => `  ${problem}\n`).join('')}`
      : 'verified\n'
    const facts = `${humanBytes(bytes)}, schema version ${schema_version}, ${totalRows(counts)} rows`
    return `${style.bold(path)}\n${facts}; ${told}`
  },
}

const LISTED = ['created_at', 'bytes', 'schema_version', 'verified_at', 'opens_with', 'path']

const listView: View<ListedBackup[]> = {
  fields: [...FIELDS, 'opens_with', 'database', 'born'],
  listed: LISTED,
  cell: showCell,
}
const allView: View<ListedBackup[]> = { ...listView, listed: ['database', ...LISTED] }

const verifyView: View<Verification[]> = {
  fields: ['path', 'status', 'problems', 'schema_version', 'counts', 'verified_at'],
  text: (reports, style) =>
    reports
      .map(({ path, status, problems }) =>
        status === 'ok'
          ? `${style.good('ok  ')}  ${path}\n`
          : `${style.bad('fail')}  ${path}\n${problems.map((problem) => `      ${problem}\n`).join('')}`,
      )
      .join('') || 'there are no backups\n',
}

const pruneView: View<{ dry_run: boolean; removed: number; backups: Pruned[] }> = {
  fields: ['path', 'created_at', 'keep', 'reasons'],
  rows: 'backups',
  done: ({ dry_run, removed }) =>
    dry_run || removed === 0 ? undefined : `removed: ${counted(removed, 'backup')}`,
  text: ({ dry_run, removed, backups }, style) => {
    const lines = backups.map(({ path, keep, reasons }) =>
      keep
        ? `${style.good('keep  ')}  ${path}  ${style.dim(reasons.join(', '))}`
        : `${style.bad('remove')}  ${path}`,
    )
    const told = dry_run ? `${removed} would be removed; nothing was changed` : `${removed} removed`
    return `${[...lines, told].join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command.option('--dir <path>', 'the folder of the backups; `backups` beside the database by default')
  const optionsOf = (ctx: Context) => backupOptions(ctx, command.opts<{ dir?: string }>().dir)

  command
    .command('create', { isDefault: true })
    .description('make a proven encrypted copy, while the database may be in use')
    .action(async () => {
      const ctx = context()
      const print = ctx.printer(createView)
      await print(await createBackup(optionsOf(ctx)))
    })

  command
    .command('list')
    .description('list the backups of the database, the newest first, and which key opens each')
    .option('--all-databases', 'those of other databases in the folder too')
    .action(async ({ allDatabases: all = false }: { allDatabases?: boolean }) => {
      const ctx = context()
      const print = ctx.printer(all ? allView : listView)
      const backups = await listBackups({ ...optionsOf(ctx), all })
      for (const { path, problems } of backups) {
        if (problems.length) ctx.warn(`${path} is a copy of a database with problems: ${nameFirst(problems)}`)
      }
      await print(backups)
    })

  command
    .command('verify')
    .description('a restore drill: restore to a temporary encrypted file and compare; exit 3 when one fails')
    .argument('[file|latest]')
    .option('--all', 'every backup of the database')
    .action(async (named: string | undefined, { all = false }: { all?: boolean }) => {
      const ctx = context()
      const print = ctx.printer(verifyView)
      if (all === (named !== undefined))
        throw usage('name one backup, or all of them', ctx.commandLine('backup', 'verify', '--all'))
      const options = optionsOf(ctx)
      const reports = await ctx.busy('checking', async () =>
        all
          ? verifyBackups(options)
          : [await verifyBackup(resolve(await findBackup(named ?? '', options)), options)],
      )
      if (reports.some(({ status }) => status === 'fail')) ctx.exitCode = exitCodeOf('CHECK_FAILED')
      await print(reports)
    })

  ruleOptions(
    command
      .command('prune')
      .description('remove backups of the database that no rule keeps; the last verified one always stays')
      .option('--dry-run', 'tell what would go and change nothing'),
  ).action(async ({ dryRun = false, ...rules }: Record<string, number> & { dryRun?: boolean }) => {
    const ctx = context()
    const print = ctx.printer(pruneView)
    const keep: KeepRules = {
      last: rules.keepLast,
      daily: rules.keepDaily,
      weekly: rules.keepWeekly,
      monthly: rules.keepMonthly,
    }
    if (!Object.values(keep).some((count) => (count ?? 0) > 0)) {
      throw usage(
        'without a rule that keeps one, every backup would go',
        ctx.commandLine('backup', 'prune', '--keep-last', '7', '--dry-run'),
      )
    }
    const confirm = (going: Pruned[]) => confirmRemoval(ctx, going)
    const backups = await pruneBackups({ ...optionsOf(ctx), rules: keep, dryRun, confirm })
    await print({ dry_run: dryRun, removed: backups.filter((backup) => !backup.keep).length, backups })
  })
}

/** Returns the options for the commands about backups; `dir` is the given folder. */
export function backupOptions(ctx: Context, dir: string | undefined) {
  if (dir === '')
    throw new AppError('USAGE', 'the name of the folder is empty', { hint: 'name one with --dir <path>' })
  return { ...ctx.database, ...ctx.copying, folder: dir === undefined ? undefined : resolve(dir) }
}

/** Shows what would be removed and asks for confirmation; when nobody can be asked, `--yes` is required. */
async function confirmRemoval(ctx: Context, going: Pruned[]): Promise<void> {
  const what = going.length === 1 ? '1 backup' : `${going.length} backups`
  if (!ctx.options.yes)
    ctx.requirePerson(`${what} would be removed`, 'add --yes, or --dry-run to see what would go')
  if (ctx.options.yes) return
  // With a machine-readable format, only the question itself is shown.
  const names = ctx.machineReadable ? `: ${going.map(({ path }) => path).join(', ')}` : ''
  for (const { path, created_at } of going) ctx.notice(`remove  ${path}  ${localTime(created_at)}`)
  await ctx.confirm(`Remove ${what}${names}?`)
}

function ruleOptions(command: Command): Command {
  for (const [rule, what] of [
    ['last', 'the newest n'],
    ['daily', 'the newest of each of the last n days that have one'],
    ['weekly', 'the same for weeks'],
    ['monthly', 'the same for months'],
  ] as const) {
    command.option(`--keep-${rule} <n>`, what, count)
  }
  return command
}

function count(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0.')
  return Number(text)
}

function usage(message: string, example: string): AppError {
  return new AppError('USAGE', message, { hint: `for example: ${example}` })
}

function showCell(field: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (field === 'bytes') return humanBytes(value as number)
  return field.endsWith('_at') ? localTime(value as string) : String(value)
}

export default define
