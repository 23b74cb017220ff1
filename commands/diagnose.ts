import { resolve } from 'node:path'
import { type CipherOptions, cipherOptions, readCipherSettings } from '../src/cli/cipher-options.ts'
import type { View } from '../src/cli/output.ts'
import { localTime, type Style } from '../src/cli/terminal.ts'
import type { Diagnosis } from '../src/core/cause.ts'
import { diagnose, withDatabase } from '../src/core/database.ts'
import { exitCodeOf } from '../src/core/errors.ts'
import type { SalvageReport } from '../src/core/salvage.ts'
import type { Define } from './index.ts'

interface Options extends CipherOptions {
  salvage?: string
}

interface Result extends Diagnosis {
  /** What was written for --salvage. */
  salvage?: SalvageReport
}

const view: View<Result> = {
  fields: ['cause', 'detail', 'pages', 'hint', 'salvage'],
  text: ({ cause, detail, hint, salvage }, style) =>
    `${(cause === 'ok' ? style.good : style.bad)(cause)}: ${detail}\n${
      salvage ? describeSalvage(salvage, style) : hint && `  → ${hint}\n`
    }`,
}

/** Messages that are listed; JSON has all of them. */
const LISTED = 20

function describeSalvage(
  { path, before, recovered, lost_pages, messages }: SalvageReport,
  style: Style,
): string {
  const whole = recovered.problems.length === 0 && lost_pages.length === 0
  const state = whole
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
    `  → libreollama-db --db ${path} restore ${whole ? recovered.path : before.path} replaces the damaged database, which is kept`,
    ...(whole || messages.length === 0
      ? []
      : [
          `  → libreollama-db export --db ${recovered.path} --format jsonl writes the messages of the second file`,
        ]),
  ].join('\n')}\n`
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
      const { locateDamage } = await import('../src/core/explain-failure.ts')
      const result = await locateDamage(await diagnose(path, () => ctx.keys(), knownSettings), (work) =>
        withDatabase({ ...ctx.database, path, keys: () => ctx.keys(), recover: false }, (db) =>
          db.read(work),
        ),
      )
      if (folder === undefined) {
        if (result.cause !== 'ok') ctx.exitCode = exitCodeOf(result.outcome === 'IO' ? 'IO' : 'CHECK_FAILED')
        return print(result)
      }
      const { salvage } = await import('../src/core/salvage.ts')
      await print({
        ...result,
        salvage: await salvage({ ...ctx.database, now: ctx.host.now, path, folder: resolve(folder) }),
      })
    })
}

export default define
