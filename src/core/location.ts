import { platform } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import envPaths from 'env-paths'
import { AppError } from './errors.ts'

/**
 * Where the database is: the path that was named, made absolute, or LibreOllama's own place for its data
 * (Linux `$XDG_DATA_HOME` or `~/.local/share`, macOS `~/Library/Application Support`, then `LibreOllama/database.db`).
 * An absolute path also keeps SQLite from ever reading a user's `file:…?key=` as a URI.
 */
export function databasePath(named: string | undefined): string {
  if (named === '') {
    throw new AppError('USAGE', 'the path of the database is empty', {
      hint: 'name one with --db <path>, or leave the option out for the default (libreollama-db path)',
    })
  }
  return named === undefined ? join(dataFolder(), 'database.db') : resolve(named)
}

/** Where `init` puts a key file that nobody named: LibreOllama's configuration folder, away from the data. */
export function defaultKeyFile(): string {
  return join(envPaths('LibreOllama', { suffix: '' }).config, 'database.key')
}

function dataFolder(): string {
  const paths = envPaths('LibreOllama', { suffix: '' })
  // On Windows LibreOllama keeps its data in the roaming folder, beside what env-paths calls `config`.
  return platform() === 'win32' ? dirname(paths.config) : paths.data
}
