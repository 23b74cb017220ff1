import { PassThrough } from 'node:stream'
import { createPromptModule } from 'inquirer'
import { AppError } from '../core/errors.ts'
import type { Host, Input } from './host.ts'
import { safeLine } from './terminal.ts'

/** The protection that the user chooses for a new database. */
export type Protection =
  | { kind: 'keychain' }
  | { kind: 'key-file' }
  | { kind: 'passphrase'; passphrase: string }

/** A question for inquirer. */
interface Question {
  type: 'password' | 'select' | 'confirm'
  message: string
  choices?: { value: string; name: string }[]
  mask?: string
  default?: boolean
  validate?: (text: string) => true | string
}

/**
 * Asks one question. Questions go to stderr, so that stdout contains only data; paths and names in them are
 * escaped. Throws SIGINT for Ctrl-C, the reason of a signal that arrives meanwhile, and `noAnswer` when the
 * input ends: Ctrl-D, a closed terminal.
 */
function ask(host: Host, noAnswer: () => AppError = interrupted) {
  return async <T>({ message, choices, ...question }: Question): Promise<T> => {
    const shown = choices?.map(({ value, name }) => ({ value, name: safeLine(name) }))
    const asked = { ...question, message: safeLine(message), ...(shown && { choices: shown }) }
    const input = promptInput(host.stdin)
    const signal = AbortSignal.any([host.signal, input.ended])
    const prompt = createPromptModule({ input: input.stream, output: host.stderr, signal } as object)
    try {
      const answers = await prompt([{ name: 'answer', ...asked }] as never)
      return (answers as { answer: T }).answer
    } catch (error) {
      host.signal.throwIfAborted()
      if (input.ended.aborted) throw noAnswer()
      if (error instanceof Error && error.name === 'ExitPromptError') {
        throw new AppError('SIGINT', 'interrupted', { hint: NOTHING, cause: error })
      }
      throw error
    } finally {
      input.stop()
    }
  }
}

const NOTHING = 'nothing was changed'
const NO_ANSWER = 'no answer was given: the input has ended'

const interrupted = () => new AppError('SIGINT', NO_ANSWER, { hint: NOTHING })
const declined = () => new AppError('DECLINED', NO_ANSWER, { hint: NOTHING })

interface PromptInput {
  stream: PassThrough & Input
  /** Aborted when no more input will come. */
  ended: AbortSignal
  stop: () => void
}

/**
 * Provides standard input for one question, through a stream of its own, because readline throws the errors
 * of its input, such as raw mode on a terminal that is gone. Inquirer waits for an input that has ended
 * without keeping the process alive, which would then end in the middle of the work; so the end is detected
 * here. The input stops for one of two reasons: it has ended, which leaves raw mode, or the process was
 * stopped and continues (Ctrl-Z, fg), after which inquirer forgets to resume reading.
 */
function promptInput(stdin: Input): PromptInput {
  const controller = new AbortController()
  const end = () => controller.abort()
  const stream: PassThrough & Input = Object.assign(new PassThrough(), {
    isTTY: true,
    isRaw: false,
    setRawMode: (on: boolean) => {
      stream.isRaw = on
      stdin.setRawMode?.(on)
    },
  })
  stream.on('pause', () => setImmediate(() => (stream.isRaw ? stream.resume() : end())))
  stdin.on('end', end).on('close', end).on('error', end).pipe(stream)
  const stop = () => {
    stdin.off('end', end).off('close', end).off('error', end).unpipe(stream).pause()
  }
  return { stream, ended: controller.signal, stop }
}

const notEmpty = (text: string) => text !== '' || 'it must not be empty'

/** Asks for the passphrase or key of an existing database, without showing it. */
export async function askPassphrase(host: Host, path: string): Promise<string> {
  return ask(host)({
    type: 'password',
    mask: '*',
    message: `Passphrase or key of ${path}:`,
    validate: notEmpty,
  })
}

/** Asks how to protect a new database. Throws DECLINED when the user chooses no protection. */
export async function askProtection(
  host: Host,
  keyFile: string,
  offerKeychain: boolean,
): Promise<Protection> {
  const choice = await ask(host)<'keychain' | 'key-file' | 'passphrase' | 'none'>({
    type: 'select',
    message: 'How shall the database be protected?',
    choices: [
      ...(offerKeychain
        ? [{ value: 'keychain', name: 'A generated key in the keychain of the system' }]
        : []),
      { value: 'key-file', name: `A generated key file (${keyFile})` },
      { value: 'passphrase', name: 'A passphrase that you type' },
      { value: 'none', name: 'Not now: make nothing' },
    ],
  })
  if (choice === 'none') {
    throw new AppError('DECLINED', 'no database was made', {
      hint: 'see how a key can be given: libreollama-db help key-sources',
    })
  }
  if (choice === 'passphrase') return { kind: choice, passphrase: await askNewPassphrase(host) }
  return { kind: choice }
}

async function askNewPassphrase(host: Host): Promise<string> {
  const question = ask(host)
  for (;;) {
    const first = await question<string>({
      type: 'password',
      mask: '*',
      message: 'New passphrase:',
      validate: notEmpty,
    })
    const second = await question<string>({ type: 'password', mask: '*', message: 'The same again:' })
    if (first === second) return first
    host.stderr.write('The two differ. Once more:\n')
  }
}

/** Asks for confirmation; Enter means no. Throws DECLINED when no answer can come any more. */
export async function confirm(host: Host, message: string): Promise<boolean> {
  return ask(host, declined)({ type: 'confirm', message, default: false })
}
