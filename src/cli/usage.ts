import type { Command, CommanderError } from 'commander'

/** The command of each usage error, since the error itself does not contain it. */
const places = new WeakMap<CommanderError, Command>()

/** Makes a command throw its usage errors, so that `commandOf` can name it. */
export function throwUsage(command: Command): Command {
  return command.exitOverride((error) => {
    if (!places.has(error)) places.set(error, placeOf(command, error))
    throw error
  })
}

/** Returns the full name of the command that a usage error belongs to: `libreollama-db backup prune`. */
export function commandOf(error: CommanderError): string {
  const command = places.get(error)
  return command ? nameOf(command) : 'libreollama-db'
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()
}

/** Returns the group for a default verb, which receives any word that its group does not know. */
function placeOf(command: Command, { code }: CommanderError): Command {
  const group = command.parent
  if (!group?.parent || group.args[0] === command.name()) return command
  if (code === 'commander.excessArguments') {
    // Throws the error for an unknown verb, which suggests the most similar one.
    ;(group as unknown as { unknownCommand: () => void }).unknownCommand()
  }
  return code === 'commander.unknownOption' ? group : command
}
