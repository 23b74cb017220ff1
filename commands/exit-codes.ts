import type { View } from '../src/cli/output/view.ts'
import { OUTCOMES } from '../src/core/errors.ts'
import type { Define } from './_define.ts'

const view: View<readonly (typeof OUTCOMES)[number][]> = { fields: ['exit', 'code', 'when'] }

const define: Define = (command, context) => {
  command.action(() => context().printer(view)(OUTCOMES))
}

export default define
