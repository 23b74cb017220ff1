import { type Command, InvalidArgumentError } from 'commander'
import type { Context } from '../src/cli/context.ts'
import type { View } from '../src/cli/output/view.ts'
import { localTime } from '../src/cli/terminal.ts'
import { withDatabase } from '../src/core/database/database.ts'
import { exitCodeOf } from '../src/core/errors.ts'
import { type AppliedStep, type MigrationReport, migrate } from '../src/core/operations/migrate.ts'
import { type Rehearsal, rehearse } from '../src/core/operations/rehearse.ts'
import { readApplied } from '../src/core/schema/ledger.ts'
import {
  type AppliedMigration,
  currentVersion,
  latestVersion,
  type Migration,
  type MigrationState,
  migrationStates,
  planMigrations,
  planRedo,
  type Step,
} from '../src/core/schema/migrations.ts'
import { checkPlan, type Plan } from '../src/core/schema/other-tables.ts'
import type { Define } from './_define.ts'

interface Options {
  to?: number
  dryRun?: boolean
  sql?: boolean
  rehearse?: boolean
  addTables?: boolean
  backup: boolean
}

interface Result {
  from: number
  to: number
  dry_run: boolean
  steps: (Pick<AppliedStep, 'version' | 'name' | 'direction'> & Partial<AppliedStep> & { sql?: string })[]
  backup: string | null
  /** The outcome for the copy, for --rehearse. */
  rehearsal?: Omit<Rehearsal, keyof MigrationReport>
}

interface Status {
  current: number
  latest: number
  pending: number
  migrations: MigrationState[]
}

type PlanFor = (migrations: Migration[], to: number | undefined) => Plan

const up: PlanFor = (migrations, to) => (applied) =>
  planMigrations(migrations, applied, 'up', to ?? latestVersion(migrations))
const down: PlanFor = (migrations, to) => (applied) => planMigrations(migrations, applied, 'down', to ?? 0)
const redo: PlanFor = (migrations) => (applied) => planRedo(migrations, applied)

const resultView: View<Result> = {
  fields: ['version', 'name', 'direction', 'duration_ms', 'dropped', 'sql'],
  rows: 'steps',
  done: ({ from, to, dry_run, steps }) =>
    dry_run || steps.length === 0 ? undefined : `the database went from version ${from} to ${to}`,
  text: ({ from, to, dry_run, steps, backup, rehearsal }, style) => {
    if (steps.length === 0) return `nothing to do: the database is at version ${from}\n`
    const lines = steps.map(({ version, name, direction, duration_ms, dropped = {} }) => {
      const rows = Object.entries(dropped).map(([table, count]) => `${table} ${count}`)
      const time = duration_ms === undefined ? '' : style.dim(`  ${duration_ms} ms`)
      return `${direction.padEnd(4)}  ${version} ${name}${time}${rows.length ? `  rows dropped: ${rows.join(', ')}` : ''}`
    })
    lines.push(
      dry_run
        ? `would go from version ${from} to ${to}; nothing was changed`
        : `from version ${from} to ${to}`,
    )
    if (backup) lines.push(`copy from before: ${backup}`)
    if (rehearsal) lines.push(...describeRehearsal(rehearsal))
    return `${lines.join('\n')}\n`
  },
}

const sqlView: View<Result> = {
  ...resultView,
  blocks: ['sql'],
  verbatim: true,
  text: (result, style) =>
    result.steps.map(({ sql }) => sql).join('\n') || (resultView.text?.(result, style) ?? ''),
}

function describeRehearsal({
  rows_before,
  rows_after,
  orphans,
  drift,
  problems,
  duration_ms,
}: Omit<Rehearsal, keyof MigrationReport>): string[] {
  const tables = [...new Set([...Object.keys(rows_before), ...Object.keys(rows_after)])]
  const changed = tables.filter((table) => rows_before[table] !== rows_after[table])
  return [
    `rehearsed on a copy in ${duration_ms} ms`,
    ...changed.map(
      (table) => `rows of ${table}: ${rows_before[table] ?? 'no table'} → ${rows_after[table] ?? 'no table'}`,
    ),
    `rows that point at nothing: ${orphans}; differences from the expected schema: ${drift.length}; structure: ${problems.length ? problems.join('; ') : 'sound'}`,
  ]
}

const statusView: View<Status> = {
  fields: ['version', 'name', 'state', 'applied_at', 'checksum'],
  rows: 'migrations',
  text: ({ current, latest, pending, migrations }, style) => {
    const named = migrations.map((migration) => ({ ...migration, name: migration.name ?? '(unknown here)' }))
    const width = Math.max(0, ...named.map(({ name }) => name.length))
    const lines = named.map(({ version, name, state, applied_at }) => {
      const paint = { applied: style.good, pending: style.caution, missing: style.bad, edited: style.bad }[
        state
      ]
      const when = applied_at === null ? '' : style.dim(localTime(applied_at))
      return `${String(version).padStart(4)}  ${paint(state.padEnd(8))}  ${name.padEnd(width)}  ${when}`
    })
    lines.push(`at version ${current}, latest ${latest}, pending ${pending}`)
    return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
  },
}

const versionView: View<{ schema_version: number; latest: number }> = {
  fields: ['schema_version', 'latest'],
  text: ({ schema_version }) => `${schema_version}\n`,
}

const define: Define = (command, context) => {
  const movement = (name: string, summary: string, plan: PlanFor, target?: 'optional' | 'required') => {
    const sub = command.command(name, { isDefault: name === 'up' }).description(summary)
    if (target === 'required')
      sub.requiredOption('--to <version>', 'the version to go down to; 0 has no tables', version)
    if (target === 'optional') {
      sub
        .option('--to <version>', 'the version to stop at; the latest by default', version)
        .option('--add-tables', "make the tables beside those of another program's database, after a copy")
    }
    planOptions(sub).action((options: Options) => move(context(), plan, options))
  }
  movement('up', 'apply what is pending', up, 'optional')
  movement(
    'down',
    'undo down to a version; the data of dropped tables goes, a copy is kept',
    down,
    'required',
  )
  movement('redo', 'undo the newest migration and apply it again', redo)

  command
    .command('status')
    .description('list the migrations and their state')
    .option('--exit-code', 'exit 4 when migrations are pending')
    .action(async ({ exitCode }: { exitCode?: boolean }) => {
      const ctx = context()
      const print = ctx.printer(statusView)
      const migrations = await ctx.migrations()
      const applied = await withDatabase(ctx.database, (db) => db.read(readApplied))
      const states = migrationStates(migrations, applied)
      const pending = states.filter(({ state }) => state === 'pending').length
      if (exitCode && pending > 0) ctx.exitCode = exitCodeOf('PENDING')
      await print({
        current: currentVersion(applied),
        latest: latestVersion(migrations),
        pending,
        migrations: states,
      })
    })

  command
    .command('version')
    .description('print the schema version of the database')
    .action(async () => {
      const ctx = context()
      const print = ctx.printer(versionView)
      const latest = latestVersion(await ctx.migrations())
      const applied = await withDatabase(ctx.database, (db) => db.read(readApplied))
      await print({ schema_version: currentVersion(applied), latest })
    })
}

function planOptions(command: Command): Command {
  return command
    .option('--dry-run', 'show the steps and change nothing')
    .option('--sql', 'print the SQL of the steps and change nothing')
    .option('--rehearse', 'run the steps on an encrypted copy, tell how it went, and throw it away')
    .option('--no-backup', 'make no copy before the first step')
}

async function move(
  ctx: Context,
  planFor: PlanFor,
  { to, dryRun, sql, rehearse: onCopy, addTables, backup }: Options,
): Promise<void> {
  const print = ctx.printer(sql && !onCopy ? sqlView : resultView)
  const migrations = await ctx.migrations()
  const plan = planFor(migrations, to)
  if (onCopy) {
    const {
      from,
      to: reached,
      steps,
      backup: none,
      ...rehearsal
    } = await rehearse({
      ...ctx.database,
      ...ctx.copying,
      plan,
      addTables,
      migrations,
    })
    if (rehearsal.orphans > 0 || rehearsal.drift.length > 0 || rehearsal.problems.length > 0) {
      ctx.exitCode = exitCodeOf('CHECK_FAILED')
    }
    return print({ from, to: reached, steps, backup: none, dry_run: true, rehearsal })
  }
  const { applied, steps, joinsOthers } = await withDatabase(ctx.database, (db) =>
    db.read((reader) => checkPlan(reader, plan, { path: ctx.path, addTables })),
  )
  if (dryRun || sql) return print(preview(applied, steps, sql ?? false))
  if (!backup && steps.some(({ direction }) => direction === 'down')) {
    await ctx.confirm('going down without a copy drops the tables and their data for good. Go on?')
  }
  if (!backup && joinsOthers) {
    await ctx.confirm("this adds tables to another program's database without a copy of it. Go on?")
  }
  const { now, signal } = ctx.host
  const report = await withDatabase({ ...ctx.database, access: 'write' }, (db) =>
    migrate(db, { plan, addTables, backup: backup ? ctx.copying : false, signal, now }),
  )
  await print({ ...report, dry_run: false })
}

function preview(applied: AppliedMigration[], steps: Step[], withSql: boolean): Result {
  const from = currentVersion(applied)
  const last = steps.at(-1)
  return {
    from,
    to: last ? last.migration.version - (last.direction === 'down' ? 1 : 0) : from,
    dry_run: true,
    steps: steps.map(({ direction, migration }) => ({
      version: migration.version,
      name: migration.name,
      direction,
      ...(withSql ? { sql: migration[direction] } : {}),
    })),
    backup: null,
  }
}

function version(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A schema version is a whole number from 0.')
  return Number(text)
}

export default define
