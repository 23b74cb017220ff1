import { resolve } from 'node:path'
import { type CipherOptions, cipherOptions, readCipherSettings } from '../src/cli/cipher-options.ts'
import { commandLine, type Place } from '../src/cli/command-line.ts'
import type { View } from '../src/cli/output/view.ts'
import { localTime, type Style } from '../src/cli/terminal.ts'
import { diagnose, withDatabase } from '../src/core/database/database.ts'
import type { Diagnosis } from '../src/core/database/diagnosis.ts'
import { exitCodeOf } from '../src/core/errors.ts'
import type { SalvageReport } from '../src/core/operations/salvage.ts'
import type { Define } from './_define.ts'

interface Options extends CipherOptions {
  salvage?: string
}

interface Result extends Diagnosis {
  /** The result of --salvage. */
  salvage?: SalvageReport
  /** The next steps, each a command line and its effect. */
  next?: string[]
}

const view: View<Result> = {
  fields: ['cause', 'detail', 'pages', 'hint', 'salvage'],
  done: ({ salvage }) =>
    salvage ? `the files ${salvage.before.path} and ${salvage.recovered.path} were written` : undefined,
  text: ({ cause, detail, hint, salvage, next = [] }, style) => {
    const advice = (salvage ? next : hint ? [hint] : []).map((line) => `  → ${line}\n`).join('')
    const written = salvage ? describeSalvage(salvage, style) : ''
    return `${(cause === 'ok' ? style.good : style.bad)(cause)}: ${detail}\n${written}${advice}`
  },
}

/** Number of messages to list; JSON contains all of them. */
const LISTED = 20

const isWhole = ({ recovered, lost_pages }: SalvageReport) =>
  recovered.problems.length === 0 && lost_pages.length === 0

function describeSalvage(report: SalvageReport, style: Style): string {
  const { before, recovered, lost_pages, messages } = report
  const state = isWhole(report)
    ? 'nothing is missing'
    : `incomplete: ${[...recovered.problems, ...lost_pages.map((page) => `the newest page ${page} is damaged`)].slice(0, 5).join('; ')}`
  return `${[
    `${style.bold(before.path)}  without what was committed after the damage`,
    `${style.bold(recovered.path)}  with the later commits; ${state}`,
    `${messages.length} messages are only in the second file${messages.length > LISTED ? ', among them' : ''}`,
    ...messages
      .slice(0, LISTED)
      .map(
        ({ id, session_id, role, created_at }) =>
          `  ${localTime(String(created_at))}  ${role}  message ${id}  session ${session_id}`,
      ),
  ].join('\n')}\n`
}

function afterSalvage(report: SalvageReport, place: Place): string[] {
  const { path, before, recovered, messages } = report
  const whole = isWhole(report)
  const restore = commandLine(['restore', whole ? recovered.path : before.path], { ...place, db: path })
  const output = commandLine(['export', '--format', 'jsonl'], { ...place, db: recovered.path })
  return [
    `replace the damaged database, which is kept: ${restore}`,
    ...(whole || messages.length === 0 ? [] : [`write the messages of the second file: ${output}`]),
  ]
}

const define: Define = (command, context) => {
  cipherOptions(command)
    .argument('[file]', 'the file; the database by default')
    .option(
      '--salvage <folder>',
      'write what can be read of a database with a damaged -wal to new encrypted files',
    )
    .action(async (file: string | undefined, { salvage: folder, ...rest }: Options) => {
      const knownSettings = readCipherSettings(rest)
      const ctx = context()
      const print = ctx.printer(view)
      const path = file === undefined ? ctx.path : resolve(file)
      const { locateDamage } = await import('../src/core/checks/explain-failure.ts')
      const keys = (salt?: Buffer) => ctx.keys(salt, path)
      const onLostCommits = () => {} // which the result is about
      const result = await ctx.busy('checking', async () =>
        locateDamage(await diagnose(path, keys, knownSettings), (work) =>
          withDatabase({ ...ctx.database, path, keys, recover: false, onLostCommits }, (db) => db.read(work)),
        ),
      )
      if (folder === undefined) {
        if (result.cause !== 'ok') ctx.exitCode = exitCodeOf(result.outcome === 'IO' ? 'IO' : 'CHECK_FAILED')
        const { spelling } = result
        const hint = spelling ? await ctx.spellingHint(spelling) : await ctx.hint(result.hint)
        return print({ ...result, hint })
      }
      const { salvage } = await import('../src/core/operations/salvage.ts')
      const options = {
        ...ctx.database,
        keys,
        onLostCommits,
        now: ctx.host.now,
        path,
        folder: resolve(folder),
      }
      const report = await ctx.busy('copying', () => salvage(options))
      await print({ ...result, hint: '', salvage: report, next: afterSalvage(report, ctx.options) })
    })
}

export default define
