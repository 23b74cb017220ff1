import type { Command, CommanderError } from 'commander'

/** Which command each usage error belongs to: the error itself does not say. */
const places = new WeakMap<CommanderError, Command>()

/** Has a command throw its usage errors, so that `commandOf` can name it. */
export function throwUsage(command: Command): Command {
  return command.exitOverride((error) => {
    if (!places.has(error)) places.set(error, placeOf(command, error))
    throw error
  })
}

/** How the command that a usage error belongs to is called: `libreollama-db backup prune`. */
export function commandOf(error: CommanderError): string {
  const command = places.get(error)
  return command ? nameOf(command) : 'libreollama-db'
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()
}

/** A verb that runs where none was named gets whatever its group does not know. */
function placeOf(command: Command, { code }: CommanderError): Command {
  const group = command.parent
  if (!group?.parent || group.args[0] === command.name()) return command
  if (code === 'commander.excessArguments') {
    // Throws that there is no such verb, with the most similar one.
    ;(group as unknown as { unknownCommand: () => void }).unknownCommand()
  }
  return code === 'commander.unknownOption' ? group : command
}
