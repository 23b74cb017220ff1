import { platform, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { Environment } from '../environment.ts'
import { AppError } from '../errors.ts'

/** The name of LibreOllama's folders. */
const NAME = 'LibreOllama'

/**
 * Resolves the path of the database: the given path, made absolute, or LibreOllama's own data folder (Linux
 * `$XDG_DATA_HOME` or `~/.local/share`, macOS `~/Library/Application Support`, then
 * `LibreOllama/database.db`). An absolute path also keeps SQLite from ever reading a user's `file:…?key=` as
 * a URI. Throws USAGE for an empty path, and when no path is given and the home folder is unknown.
 */
export function databasePath(named: string | undefined, env: Environment): string {
  if (named === '') {
    throw new AppError('USAGE', 'the path of the database is empty', {
      hint: { step: 'choose_path', role: 'database' },
    })
  }
  return named === undefined ? join(dataFolder(env), 'database.db') : resolve(named)
}

/**
 * Returns the path of the key file that `init` creates by default: in LibreOllama's configuration folder,
 * away from the data.
 */
export function defaultKeyFile(env: Environment): string {
  return join(configFolder(env), 'database.key')
}

function dataFolder(env: Environment): string {
  if (platform() === 'darwin') return join(home(env), 'Library', 'Application Support', NAME)
  // On Windows, LibreOllama keeps its data in the roaming folder.
  if (platform() === 'win32') return join(env.APPDATA || join(home(env), 'AppData', 'Roaming'), NAME)
  return join(absolute(env.XDG_DATA_HOME) ?? join(home(env), '.local', 'share'), NAME)
}

function configFolder(env: Environment): string {
  if (platform() === 'darwin') return join(home(env), 'Library', 'Preferences', NAME)
  if (platform() === 'win32')
    return join(env.APPDATA || join(home(env), 'AppData', 'Roaming'), NAME, 'Config')
  return join(absolute(env.XDG_CONFIG_HOME) ?? join(home(env), '.config'), NAME)
}

/**
 * Returns an absolute path unchanged; a relative path in an XDG variable is invalid and, as its specification
 * says, ignored.
 */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}

/** Returns the home folder. Throws USAGE rather than fall back to the current folder. */
function home(env: Environment): string {
  const named = platform() === 'win32' ? env.USERPROFILE : env.HOME
  const path = named ?? homeOfUser()
  if (path !== undefined && isAbsolute(path)) return path
  const problem = !path
    ? named === ''
      ? 'HOME is empty'
      : 'HOME is not set'
    : `HOME is not absolute: ${path}`
  throw new AppError('USAGE', `the default place is not known: ${problem}`, {
    hint: ['set HOME', { step: 'choose_path', role: 'database' }],
  })
}

function homeOfUser(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined // a user without an entry in the user database
  }
}
