import type { Command } from 'commander'
import type { Context } from '../src/cli/context.ts'

/** A command file exports this: it declares arguments, options and the action. `context` is ready when an action runs. */
export type Define = (command: Command, context: () => Context) => void

export interface CommandEntry {
  name: string
  /** One line, as `--help` lists it. */
  summary: string
  /** Shown first in the command's help. */
  examples: readonly string[]
  load: () => Promise<{ default: Define }>
}

/** Every command. Its file is loaded only when it is called or asked for help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'init',
    summary: 'make the encrypted database, or bring it to the latest version',
    examples: [
      'libreollama-db init --key-file ~/.config/LibreOllama/database.key --generate-key',
      'libreollama-db init --key-command "pass show libreollama"',
      'libreollama-db init --db ./chats.db --key-file ./key --json',
    ],
    load: () => import('./init.ts'),
  },
  {
    name: 'migrate',
    summary: 'move the schema up or down, one proven step at a time',
    examples: [
      'libreollama-db migrate status',
      'libreollama-db migrate up --dry-run',
      'libreollama-db migrate down --to 0',
    ],
    load: () => import('./migrate.ts'),
  },
  {
    name: 'stats',
    summary: 'counts, sizes, and activity per model and day',
    examples: ['libreollama-db stats', 'libreollama-db stats --json | jq .total_messages'],
    load: () => import('./stats.ts'),
  },
  {
    name: 'verify-schema',
    summary: 'compare the schema with what the migrations make; exit 3 on drift',
    examples: [
      'libreollama-db verify-schema',
      "libreollama-db verify-schema --json | jq -r '.findings[].fix_sql'",
    ],
    load: () => import('./verify-schema.ts'),
  },
  {
    name: 'health',
    summary: 'check encryption, pages, structure, schema and permissions; exit 3 when one fails',
    examples: ['libreollama-db health', 'libreollama-db health --quick --json'],
    load: () => import('./health.ts'),
  },
  {
    name: 'diagnose',
    summary: 'tell why a file does not open, without changing it',
    examples: [
      'libreollama-db diagnose ./chats.db',
      'libreollama-db diagnose ./chats.db --key-file ./key --json',
    ],
    load: () => import('./diagnose.ts'),
  },
  {
    name: 'path',
    summary: 'print where the database is',
    examples: ['libreollama-db path', 'ls -l "$(libreollama-db path)"'],
    load: () => import('./path.ts'),
  },
  {
    name: 'exit-codes',
    summary: 'list the exit codes',
    examples: ['libreollama-db exit-codes', 'libreollama-db exit-codes --json'],
    load: () => import('./exit-codes.ts'),
  },
  {
    name: 'help',
    summary: 'explain a command or a topic: environment, exit-codes, key-sources, scripting',
    examples: ['libreollama-db help migrate', 'libreollama-db help key-sources'],
    load: () => import('./help.ts'),
  },
]

/** Fills a command that so far has only its name and summary: its arguments, options and action, examples first. */
export async function defineCommand(command: Command, context: () => Context): Promise<void> {
  const entry = COMMANDS.find(({ name }) => name === command.name())
  if (!entry) return
  const { default: define } = await entry.load()
  define(command, context)
  const examples = entry.examples.map((example) => `  ${example}`).join('\n')
  command.addHelpText('before', `Examples:\n${examples}\n`)
  command.addHelpText('after', '\nGlobal options are listed by: libreollama-db --help')
}
