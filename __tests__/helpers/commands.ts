import { Command } from 'commander'
import { COMMANDS, defineCommand } from '../../commands/index.ts'

/** The full names of all commands: `stats`, `backup verify`. */
export async function commandNames(): Promise<string[]> {
  const found: string[] = []
  for (const { name } of COMMANDS) {
    const command = new Command(name)
    await defineCommand(command, () => {
      throw new Error('nothing is run')
    })
    found.push(...verbsOf(command))
  }
  return found
}

/** The full names of a command's verbs, or its own. */
function verbsOf(command: Command, name = command.name()): string[] {
  const { commands } = command
  return commands.length > 0 ? commands.flatMap((verb) => verbsOf(verb, `${name} ${verb.name()}`)) : [name]
}
