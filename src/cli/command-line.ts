import { shellWord } from '../core/shell-word.ts'

/** The global options that say which database is meant, and where its key is. */
export interface Place {
  db?: string | undefined
  keyFile?: string | undefined
  keyCommand?: string | undefined
  keychain?: boolean | undefined
  devKey?: boolean | undefined
}

/**
 * A command line of this program, to be typed in the folder and with the variables of this run: the words,
 * then the options of `place`. What comes from standard input is left out: it was read once.
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
