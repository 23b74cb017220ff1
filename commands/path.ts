import type { View } from '../src/cli/output/view.ts'
import { exists } from '../src/core/files/file-facts.ts'
import type { Define } from './_define.ts'

const view: View<{ path: string; exists: boolean }> = {
  fields: ['path', 'exists'],
  verbatim: true,
  text: ({ path }) => `${path}\n`,
}

const define: Define = (command, context) => {
  command.action(async () => {
    const ctx = context()
    const print = ctx.printer(view)
    await print({ path: ctx.path, exists: await exists(ctx.path) })
  })
}

export default define
