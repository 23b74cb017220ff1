import type { Environment } from '../core/environment.ts'
import { AppError } from '../core/errors.ts'
import type { KeySource } from '../core/keys/key-source.ts'

/** The key sources that the flags may name; none of them is a key itself. */
export interface KeyFlags {
  keyFile?: string
  keyCommand?: string
  keychain?: boolean
  devKey?: boolean
}

const FILE_VARIABLE = 'LIBREOLLAMA_DB_KEY_FILE'
const COMMAND_VARIABLE = 'LIBREOLLAMA_DB_KEY_COMMAND'

/**
 * Chooses the source of the key: the flags, otherwise the environment, otherwise undefined (the user may be
 * asked). Reads nothing. Throws USAGE when two are named at one level.
 */
export function chooseKeySource(
  flags: KeyFlags,
  env: Environment,
  prefix: '' | 'new-' | 'source-' = '',
): KeySource | undefined {
  const byFlag: [string, KeySource | undefined][] = [
    [`--${prefix}key-file`, flags.keyFile === undefined ? undefined : { kind: 'file', path: flags.keyFile }],
    [
      `--${prefix}key-command`,
      flags.keyCommand === undefined ? undefined : { kind: 'command', command: flags.keyCommand },
    ],
    [`--${prefix}keychain`, flags.keychain ? { kind: 'keychain' } : undefined],
    ['--dev-key', flags.devKey ? { kind: 'development' } : undefined],
  ]
  const {
    LIBREOLLAMA_DB_KEY_FILE: file,
    LIBREOLLAMA_DB_KEY_COMMAND: command,
    LIBREOLLAMA_DB_KEY: value,
  } = env
  const byEnvironment: [string, KeySource | undefined][] = [
    [FILE_VARIABLE, file === undefined ? undefined : { kind: 'file', path: file, variable: FILE_VARIABLE }],
    [
      COMMAND_VARIABLE,
      command === undefined ? undefined : { kind: 'command', command, variable: COMMAND_VARIABLE },
    ],
    ['LIBREOLLAMA_DB_KEY', value === undefined ? undefined : { kind: 'environment', value }],
  ]
  return only(byFlag) ?? only(byEnvironment)
}

function only(named: [string, KeySource | undefined][]): KeySource | undefined {
  const given = named.filter(([, source]) => source !== undefined)
  if (given.length > 1) {
    throw new AppError('USAGE', `two key sources at once: ${given.map(([name]) => name).join(' and ')}`, {
      hint: ['keep one of them', { step: 'explain_keys' }],
    })
  }
  return given[0]?.[1]
}
