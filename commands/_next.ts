import { commandLine } from '../src/cli/command-line.ts'
import type { Context } from '../src/cli/context.ts'
import { shellWord } from '../src/core/shell-word.ts'

/**
 * Returns where the key of a new database is, as a part of a sentence; empty for a key that the user gave.
 */
export function andItsKey(keyFile: string | null, inKeychain = false): string {
  if (keyFile !== null) return `; its key is in ${keyFile}, without which it cannot be read`
  return inKeychain ? '; its key is in the keychain of the system' : ''
}

/** Tells the user how to continue with a generated key file, if possible without naming it each time. */
export function tellNext(ctx: Context, keyFile: string): void {
  const { db } = ctx.options
  const { LIBREOLLAMA_DB_KEY: key, LIBREOLLAMA_DB_KEY_COMMAND: command } = ctx.host.env
  // Two variables that name a key are rejected; a flag takes precedence over them.
  const withFlag = key !== undefined || command !== undefined
  const variable = withFlag ? '' : `export LIBREOLLAMA_DB_KEY_FILE=${shellWord(keyFile)} && `
  ctx.notice(`next: ${variable}${commandLine(['stats'], withFlag ? { db, keyFile } : { db })}`)
}
