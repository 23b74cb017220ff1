import { createPromptModule } from 'inquirer'
import { AppError } from '../core/errors.ts'
import type { Host } from './host.ts'
import { safeLine } from './terminal.ts'

/** How the person wants a new database protected. */
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

/** Questions go to stderr, so that stdout stays data. Paths and names in them are escaped. */
function ask(host: Host) {
  const prompt = createPromptModule({ input: host.stdin, output: host.stderr } as object)
  return async <T>({ message, choices, ...question }: Question): Promise<T> => {
    const shown = choices?.map(({ value, name }) => ({ value, name: safeLine(name) }))
    const asked = { ...question, message: safeLine(message), ...(shown && { choices: shown }) }
    try {
      const answers = await prompt([{ name: 'answer', ...asked }] as never)
      return (answers as { answer: T }).answer
    } catch (error) {
      if (error instanceof Error && error.name === 'ExitPromptError') {
        throw new AppError('SIGINT', 'interrupted', { hint: 'nothing was changed', cause: error })
      }
      throw error
    }
  }
}

const notEmpty = (text: string) => text !== '' || 'it must not be empty'

/** The passphrase or key of an existing database, not shown while it is typed. */
export async function askPassphrase(host: Host, path: string): Promise<string> {
  return ask(host)({
    type: 'password',
    mask: '*',
    message: `Passphrase or key of ${path}:`,
    validate: notEmpty,
  })
}

/** How a new database shall be protected. Throws DECLINED when the person wants none. */
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
    throw new AppError('DECLINED', 'no database was made', { hint: 'libreollama-db help key-sources' })
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

/** Whether the person agrees; no is what Enter means. */
export async function confirm(host: Host, message: string): Promise<boolean> {
  return ask(host)({ type: 'confirm', message, default: false })
}
