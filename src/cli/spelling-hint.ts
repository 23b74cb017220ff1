import type { KeySource } from '../core/keys/key-source.ts'
import type { Spelling } from '../core/keys/key-spelling.ts'
import { shellWord } from '../core/shell-word.ts'
import { commandLine, type Place } from './command-line.ts'

/**
 * Returns the hint for another spelling of a key that opens the file: a command that works as it is, if there
 * is one.
 */
export function spellingHint(
  { words, filters }: Spelling,
  source: KeySource,
  db: string | undefined,
): string {
  const test = (place: Place) => commandLine(['key', 'test'], { db, ...place })
  const again = `use it ${words}`
  const pipe = filters?.join(' | ')
  switch (pipe === undefined ? undefined : source.kind) {
    case 'file': {
      const { path } = source as KeySource & { kind: 'file' }
      if (path === '-') return `${again}: | ${pipe} | ${test({})} --key-file -`
      const [first = '', ...rest] = filters ?? []
      const command = [`${first} < ${shellWord(path)}`, ...rest].join(' | ')
      return `correct the key file, or name the key as in: ${test({ keyCommand: command })}`
    }
    case 'command': {
      const { command } = source as KeySource & { kind: 'command' }
      return `name the key as in: ${test({ keyCommand: `(${command}) | ${pipe}` })}`
    }
    case 'environment':
      return `export LIBREOLLAMA_DB_KEY="$(printf %s "$LIBREOLLAMA_DB_KEY" | ${pipe})" && ${test({})}`
    case 'prompt':
    case 'typed':
      return `type it again ${words}`
    case 'keychain':
      return `${again}, and store it again with: ${commandLine(['key', 'store'], { db })} --key-file <path>`
    default:
      return again
  }
}
