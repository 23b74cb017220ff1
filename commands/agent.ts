import { agent } from '../src/core/records/entities/agent.ts'
import { crud } from './_crud.ts'
import type { Define } from './_define.ts'
import { change } from './_entity.ts'

const define: Define = (command, context) => {
  crud(command, context, agent)
  for (const [verb, summary, active] of [
    ['activate', 'put an agent to use', true],
    ['deactivate', 'take an agent out of use', false],
  ] as const) {
    command
      .command(verb)
      .description(summary)
      .argument('<id>')
      .action((named: string) => change(context(), agent, named, { is_active: active }))
  }
}

export default define
