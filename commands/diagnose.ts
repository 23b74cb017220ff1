import { resolve } from 'node:path'
import type { View } from '../src/cli/output.ts'
import { safe } from '../src/cli/terminal.ts'
import type { Diagnosis } from '../src/core/cause.ts'
import { diagnose } from '../src/core/database.ts'
import { exitCodeOf } from '../src/core/errors.ts'
import type { Define } from './index.ts'

const view: View<Diagnosis> = {
  fields: ['cause', 'detail', 'pages', 'hint'],
  text: ({ cause, detail, hint }, style) =>
    `${(cause === 'ok' ? style.good : style.bad)(cause)}: ${safe(detail)}\n${hint && `  → ${safe(hint)}\n`}`,
}

const define: Define = (command, context) => {
  command.argument('[file]', 'the file; the database by default').action(async (file: string | undefined) => {
    const ctx = context()
    const print = ctx.printer(view)
    const result = await diagnose(file === undefined ? ctx.path : resolve(file), () => ctx.keys())
    if (result.cause !== 'ok') ctx.exitCode = exitCodeOf('CHECK_FAILED')
    await print(result)
  })
}

export default define
