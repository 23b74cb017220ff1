import type { Command } from 'commander'
import type { Context } from '../src/cli/context.ts'
import { throwUsage } from '../src/cli/usage.ts'
import type { CommandEntry } from './_define.ts'

/** Every command. Its file is loaded only when the command or its help is requested. */
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
      'libreollama-db diagnose ./chats.db --salvage ./salvaged',
      'libreollama-db diagnose ./chats.db',
      'libreollama-db diagnose ./chats.db --key-file ./key --json',
    ],
    load: () => import('./diagnose.ts'),
  },
  {
    name: 'rekey',
    summary: 'change the key: proven on a copy, swapped whole, safe to kill',
    examples: [
      'libreollama-db rekey --new-key-file ./new.key --generate-key',
      'libreollama-db rekey --new-keychain',
      'libreollama-db rekey --new-key-command "pass show libreollama-new" --dry-run',
    ],
    load: () => import('./rekey.ts'),
  },
  {
    name: 'key',
    summary: 'look after the key: which one is used, keychain, paper sheet',
    examples: [
      'libreollama-db key status',
      'libreollama-db key generate --key-file ./new.key',
      'libreollama-db key store --key-file ./database.key',
      'libreollama-db key export --paper | lpr',
      'libreollama-db key import typed.txt --key-file ./found.key',
    ],
    load: () => import('./key.ts'),
  },
  {
    name: 'backup',
    summary: 'make, list, verify and prune encrypted copies',
    examples: [
      'libreollama-db backup',
      'libreollama-db backup list --json',
      'libreollama-db backup verify latest',
      'libreollama-db backup prune --keep-last 3 --keep-daily 7 --keep-monthly 12 --dry-run',
    ],
    load: () => import('./backup.ts'),
  },
  {
    name: 'restore',
    summary: 'put a backup in the place of the database, which is kept',
    examples: ['libreollama-db restore latest', 'libreollama-db restore backups/chats.db --to ./copy.db'],
    load: () => import('./restore.ts'),
  },
  {
    name: 'encrypt',
    summary: "make an encrypted database of a plaintext one, LibreOllama's own included",
    examples: [
      'libreollama-db encrypt --from old.db --db chats.db --key-file ./key --generate-key',
      'libreollama-db encrypt --key-file ./key --remove-plaintext',
    ],
    load: () => import('./encrypt.ts'),
  },
  {
    name: 'upgrade',
    summary:
      'bring a file of SQLCipher 1 to 3, or with other cipher settings, into the format of SQLCipher 4',
    examples: [
      'libreollama-db upgrade --db old.db --key-file ./key',
      'libreollama-db upgrade --db app.db --key-file ./key --cipher-page-size 1024',
    ],
    load: () => import('./upgrade.ts'),
  },
  {
    name: 'session',
    summary: 'chats: list, get, create, update, delete, archive, unarchive, prune',
    examples: [
      'libreollama-db session list --active --limit 20',
      'libreollama-db session create --title "Bread that stays soft" --model llama3.2',
      'libreollama-db session prune --before 90d --dry-run',
    ],
    load: () => import('./session.ts'),
  },
  {
    name: 'message',
    summary: 'what was said: list, get, create, update, delete',
    examples: [
      'libreollama-db message list --session 0198c5e2-7c1a-7d3e --ndjson',
      'echo "Why does bread go hard?" | libreollama-db message create --session 0198c5e2-7c1a-7d3e --role user --content-file -',
    ],
    load: () => import('./message.ts'),
  },
  {
    name: 'agent',
    summary: 'models with instructions: list, get, create, update, delete, activate, deactivate',
    examples: [
      'libreollama-db agent list --active',
      'libreollama-db agent create --name Librarian --model llama3.2 --temperature 0.3',
    ],
    load: () => import('./agent.ts'),
  },
  {
    name: 'setting',
    summary: 'values by name: list, get, create, update, delete, set',
    examples: [
      'libreollama-db setting set theme dark',
      'libreollama-db setting get theme --json --fields value',
    ],
    load: () => import('./setting.ts'),
  },
  {
    name: 'execution',
    summary: 'runs of agents: list, get, create, update, delete, start, complete, fail, cancel',
    examples: [
      'libreollama-db execution start --agent 0198c5e2-7c1a-7d3e --input "Sum this up"',
      'libreollama-db execution complete 0198c5f0-11b2-7a60 --result-file answer.txt',
      'libreollama-db execution list --status failed --since 7d',
    ],
    load: () => import('./execution.ts'),
  },
  {
    name: 'search',
    summary: 'ranked full text over messages',
    examples: [
      'libreollama-db search soft bread',
      'libreollama-db search --session 0198c5e2-7c1a-7d3e --role assistant --context 1 freezer',
      "libreollama-db search --fts 'NEAR(bread freez*)' --json",
    ],
    load: () => import('./search.ts'),
  },
  {
    name: 'query',
    summary: 'run one SQL statement, read-only unless --write',
    examples: [
      "libreollama-db query 'SELECT role, count(*) AS messages FROM chat_messages GROUP BY role'",
      "libreollama-db query 'SELECT title FROM chat_sessions WHERE model_name = :model' -p model=llama3.2 --csv",
    ],
    load: () => import('./query.ts'),
  },
  {
    name: 'import',
    summary: 'bring chats in: LibreOllama, ChatGPT, Claude, Open WebUI, llm, Ollama, LM Studio, jsonl',
    examples: [
      'libreollama-db import ~/Downloads/chatgpt-export.zip --dry-run',
      'libreollama-db import ~/.local/share/LibreOllama/database.db --db ./chats.db --source-timezone Europe/Berlin',
      'libreollama-db import chats.jsonl --on-conflict newer --json',
    ],
    load: () => import('./import.ts'),
  },
  {
    name: 'export',
    summary: 'take chats out, readable or lossless; the result is not encrypted',
    examples: [
      'libreollama-db export --out chats.jsonl',
      'libreollama-db export --format markdown --out ./chats',
      'libreollama-db export --format html --search bread > bread.html',
    ],
    load: () => import('./export.ts'),
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

/**
 * Defines a command that so far has only its name and summary: its arguments, options and action, examples
 * first.
 */
export async function defineCommand(command: Command, context: () => Context): Promise<void> {
  const entry = COMMANDS.find(({ name }) => name === command.name())
  if (!entry) return
  const { default: define } = await entry.load()
  define(command, context, (other) => defineCommand(other, context))
  addExamples(command, entry.examples)
  for (const verb of command.commands) {
    throwUsage(verb)
    const own = entry.examples.filter((example) => example.includes(`${entry.name} ${verb.name()}`))
    addExamples(verb, own.length > 0 ? own : entry.examples)
  }
}

function addExamples(command: Command, examples: readonly string[]): void {
  command.addHelpText('before', `Examples:\n${examples.map((example) => `  ${example}`).join('\n')}\n`)
  command.addHelpText('after', '\nGlobal options are listed by: libreollama-db --help')
}
