import type { Command } from 'commander'
import { write } from '../src/cli/host.ts'
import { TOPICS } from '../src/cli/topics.ts'
import { AppError } from '../src/core/errors.ts'
import type { Define } from './_define.ts'

const define: Define = (command, context, fill) => {
  command.argument('[name...]', 'a command or a topic').action(async (names: string[]) => {
    const ctx = context()
    const [first] = names
    const topic = first !== undefined && Object.hasOwn(TOPICS, first) ? TOPICS[first] : undefined
    if (topic && names.length === 1) return write(ctx.host.stdout, topic())
    const found = await findCommand(command.parent as Command, names, fill)
    found.outputHelp()
  })
}

async function findCommand(program: Command, names: string[], fill: Parameters<Define>[2]): Promise<Command> {
  let found = program
  for (const name of names) {
    const next = found.commands.find((candidate) => candidate.name() === name)
    if (!next) {
      throw new AppError('USAGE', `there is no command or topic ${JSON.stringify(names.join(' '))}`, {
        hint: `the topics are: ${Object.keys(TOPICS).join(', ')}; list the commands: libreollama-db --help`,
      })
    }
    if (found === program && name !== 'help') await fill(next)
    found = next
  }
  return found
}

export default define
