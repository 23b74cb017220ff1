import type { Command } from 'commander'
import type { Context } from '../src/cli/context.ts'

/**
 * The default export of a command file: it declares arguments, options and the action. `context` is ready
 * when an action runs; `fill` declares those of another command.
 */
export type Define = (
  command: Command,
  context: () => Context,
  fill: (other: Command) => Promise<void>,
) => void

export interface CommandEntry {
  name: string
  /** One line, as `--help` lists it. */
  summary: string
  /** Shown first in the command's help. */
  examples: readonly string[]
  load: () => Promise<{ default: Define }>
}
