import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { COMMANDS, defineCommand } from '../commands/index.ts'
import { Context, type GlobalOptions } from '../src/cli/context.ts'
import { type Host, tell, write } from '../src/cli/host.ts'
import { FORMATS } from '../src/cli/output/index.ts'
import { createStyle, safeLine } from '../src/cli/terminal.ts'
import { commandOf, throwUsage } from '../src/cli/usage.ts'
import { AppError, abortError, exitCodeOf, explainSystemError } from '../src/core/errors.ts'
import { jsonText } from '../src/core/transfer/export/formats/json-text.ts'

/** Runs one command line; resolves to the exit code. Nothing else turns errors into words and codes. */
export async function main(argv: string[], host: Host): Promise<number> {
  let context: Context | undefined
  const help = { stdout: '', stderr: '' }
  const program = createProgram(help, (command) => {
    context ??= new Context(host, program.opts<GlobalOptions>(), argv, command)
    return context
  })
  try {
    await program.parseAsync(argv, { from: 'user' }).catch(ignoreHelp)
    await write(host.stdout, help.stdout)
    await context?.finish()
    return context?.exitCode ?? 0
  } catch (error) {
    const json = context?.machineReadable ?? wantsJson(argv)
    if (!json) await tell(host.stderr, help.stderr)
    await context?.finish(false)
    const failure = host.signal.aborted ? abortError(host.signal, error) : asAppError(error)
    const advised = (await context?.adviseOnKey(failure)) ?? failure
    return report(afterwards(advised, context), host, json, context)
  }
}

/**
 * Extends the error of a run that has already changed something: it says what, and warns against repeating it
 * when everything was done.
 */
function afterwards(error: unknown, context: Context | undefined): unknown {
  if (!context?.done.length || !(error instanceof AppError)) return error
  return new AppError(error.code, [error.message, ...context.done].join('; '), {
    hint: context.complete ? 'this is done: do not run the command again' : error.advice,
    cause: error,
  })
}

/** Reports an error that no promise has caught; resolves to the exit code. */
export function reportUncaught(error: unknown, argv: string[], host: Host): Promise<number> {
  // The driver's own errors have no frames: they are thrown while it creates the values of a row.
  const isNative = error instanceof Error && !/\n\s+at /.test(error.stack ?? '')
  const failure = isNative
    ? new AppError('INVALID', 'a value is longer than can be read at once (512 MB)', {
        hint: {
          step: 'query_example',
          sql: 'SELECT substr(content, 1, 10000) FROM chat_messages',
          about: 'select a part of it',
        },
        cause: error,
      })
    : error
  return report(failure, host, wantsJson(argv), undefined)
}

/** Ignores the error with which help or the version ends the parsing; rethrows any other. */
function ignoreHelp(error: unknown): void {
  if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error
}

function createProgram(
  help: { stdout: string; stderr: string },
  context: (command: string) => Context,
): Command {
  const program = throwUsage(new Command('libreollama-db'))
    .description('Keeps LibreOllama chats in an encrypted SQLCipher database.')
    .usage('[global options] <command>')
    .configureOutput({
      writeOut: (text) => {
        help.stdout += text
      },
      writeErr: (text) => {
        help.stderr += text
      },
      outputError: () => {},
    })
    .helpCommand(false)
    .version(VERSION, '-V, --version', 'print the version')
  for (const option of globalOptions()) program.addOption(option)
  for (const { name, summary } of COMMANDS) throwUsage(program.command(name).description(summary))
  program.hook('preSubcommand', (_program, command) => defineCommand(command, () => context(command.name())))
  program.addHelpText(
    'before',
    `Examples:
  libreollama-db init --key-file ~/.config/LibreOllama/database.key --generate-key
  libreollama-db stats
  libreollama-db help key-sources
`,
  )
  return program
}

/** Replaced by the build with the version in package.json. */
declare const __VERSION__: string
const VERSION = typeof __VERSION__ === 'undefined' ? '0.0.0-source' : __VERSION__

function globalOptions(): Option[] {
  return [
    new Option('--db <path>', 'the database (or LIBREOLLAMA_DB); see: libreollama-db path'),
    new Option('--key-file <path>', 'file that holds the key; - is standard input'),
    new Option('--key-command <cmd>', 'command that prints the key'),
    new Option('--keychain', 'only the keychain of the system'),
    new Option('--dev-key', "Phase 2.1's public development key, for tests"),
    new Option('-o, --output <format>', 'how results are printed').choices(FORMATS),
    new Option('--json', 'the same as -o json'),
    new Option('--ndjson', 'the same as -o ndjson'),
    new Option('--csv', 'the same as -o csv'),
    new Option('--fields <a,b,c>', 'print only these fields, in this order'),
    new Option('--no-input', 'never ask (or CI)'),
    new Option('-y, --yes', 'answer yes to confirmations'),
    new Option('--color <when>', 'use colours').choices(['auto', 'always', 'never']).default('auto'),
    new Option('--lock-timeout <seconds>', 'how long to wait for a lock').argParser(seconds).default(10),
    new Option('--timing', 'print each statement and its time on stderr'),
    new Option('-q, --quiet', 'no warnings and notices'),
    new Option('-v, --verbose', 'say more about what is done'),
  ]
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 86_400)) {
    throw new InvalidArgumentError('It must be a number of seconds from 0 to 86400.')
  }
  return value
}

/** Returns true when the errors are to be JSON, before the options have been validated. */
function wantsJson(argv: string[]): boolean {
  const words = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  return words.some(
    (word, index) =>
      word === '--json' ||
      word === '--ndjson' ||
      /^(--output=|-o)(nd)?json$/.test(word) ||
      (/^(nd)?json$/.test(word) && ['-o', '--output'].includes(words[index - 1] ?? '')),
  )
}

function asAppError(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return explainSystemError(error, placeOf(error))
  const help = `${commandOf(error)} --help`
  if (error.code === 'commander.help') {
    return new AppError('USAGE', 'no command was given', { hint: `list the commands: ${help}` })
  }
  return new AppError('USAGE', error.message.replace(/^error: /, '').replace(/\n/g, ' '), {
    hint: help,
  })
}

/** Returns what a system call that no command explains was about. */
function placeOf(error: unknown): string {
  const { path, syscall } = error as NodeJS.ErrnoException
  return path ?? syscall ?? 'the system'
}

async function report(
  error: unknown,
  host: Host,
  json: boolean,
  context: Context | undefined,
): Promise<number> {
  const style = createStyle(host.stderr, context?.options.color ?? 'auto', host.env)
  if (!(error instanceof AppError)) return reportDefect(error, host, json)
  const { code, exit, message } = error
  const hint = await wordsOf(error, host, context)
  if (json) {
    const warnings = context?.takeHeld() ?? []
    const line = { error: { code, exit, message, hint }, ...(warnings.length ? { warnings } : {}) }
    await tell(host.stderr, `${jsonText(line)}\n`)
  } else {
    await tell(
      host.stderr,
      `${style.bad('error')}: ${safeLine(message)} ${style.dim(`[${code}]`)}\n  → ${safeLine(hint)}\n`,
    )
  }
  return exit
}

/** Returns the hint of an error; when the options are unknown, in words that need none. */
async function wordsOf({ advice }: AppError, { env }: Host, context: Context | undefined): Promise<string> {
  if (typeof advice === 'string') return advice
  if (context) return context.hint(advice)
  const { sayHint } = await import('../src/cli/hints.ts')
  return sayHint(advice, {
    argv: [],
    command: undefined,
    options: {},
    path: undefined,
    env,
    backupOf: async () => 'none',
  })
}

/** Reports a defect, with its stack trace and the address for bug reports. */
async function reportDefect(error: unknown, host: Host, json: boolean): Promise<number> {
  const exit = exitCodeOf('FAILURE')
  const hint = 'this is a defect of libreollama-db: please report it with this text'
  const { message, frames } = traceOf(error)
  const trace = [message, ...frames]
  const text = json
    ? jsonText({ error: { code: 'FAILURE', exit, message: trace.join('\n'), hint } })
    : [...trace.map(safeLine), hint].join('\n')
  await tell(host.stderr, `${text}\n`)
  return exit
}

/**
 * Returns the message and the stack frames of an error separately: the message may contain data, including
 * newlines.
 */
function traceOf(error: unknown): { message: string; frames: string[] } {
  if (!(error instanceof Error)) return { message: String(error), frames: [] }
  const message = `${error.name}: ${error.message}`
  const { stack = message } = error
  const end = stack.indexOf(error.message) + error.message.length
  return { message, frames: stack.slice(end).split('\n').slice(1) }
}
