import { shellWord } from '../core/shell-word.ts'

/** The global options that name the database and its key. */
export interface Place {
  db?: string | undefined
  keyFile?: string | undefined
  keyCommand?: string | undefined
  keychain?: boolean | undefined
  devKey?: boolean | undefined
}

/**
 * Formats a command line of this program that works in the folder and with the environment variables of this
 * run: the words, then the options of `place`. Options that read from standard input are left out, since it
 * can be read only once.
 */
export function commandLine(words: readonly string[], place: Place): string {
  const options: (readonly [string, string | boolean | undefined])[] = [
    ['--db', place.db],
    ['--key-file', place.keyFile === '-' ? undefined : place.keyFile],
    ['--key-command', place.keyCommand],
    ['--keychain', place.keychain],
    ['--dev-key', place.devKey],
  ]
  const given = options.flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    return value === true ? [name] : [`${name} ${shellWord(value)}`]
  })
  return ['libreollama-db', ...words.map(shellWord), ...given].join(' ')
}

/** Returns the value of an option in the words of a command line, joined to it by `=` or the next word. */
export function optionIn(argv: readonly string[], option: string): string | undefined {
  const joined = argv.find((word) => word.startsWith(`${option}=`))
  if (joined !== undefined) return joined.slice(option.length + 1)
  return argv.includes(option) ? argv[argv.indexOf(option) + 1] : undefined
}
