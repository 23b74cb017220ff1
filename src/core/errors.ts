import { types } from 'node:util'
import { type Hint, hintWords, type PathRole } from './advice.ts'
import { shellWord } from './shell-word.ts'

/** Every way a run can end: the name that scripts read in JSON, the exit code, and when it occurs. */
export const OUTCOMES = [
  { exit: 0, code: 'OK', when: 'it worked' },
  { exit: 1, code: 'FAILURE', when: 'anything that is not listed below; a defect of this program' },
  { exit: 2, code: 'USAGE', when: 'bad arguments; input is needed but must not be asked for' },
  { exit: 3, code: 'CHECK_FAILED', when: 'drift, an unhealthy database, a verification that failed' },
  {
    exit: 4,
    code: 'PENDING',
    when: 'migrations are pending (where that was asked for); the file is older than the command needs',
  },
  { exit: 5, code: 'NOT_FOUND', when: 'no such record' },
  { exit: 6, code: 'INVALID', when: 'a value that validation or a constraint refuses' },
  { exit: 10, code: 'NO_DATABASE', when: 'there is no database at that path' },
  { exit: 11, code: 'LOCKED', when: 'busy past the lock timeout; in use by another program' },
  { exit: 12, code: 'WRONG_KEY', when: 'the key does not open the file' },
  {
    exit: 13,
    code: 'KEY_SOURCE',
    when: 'no key; the key file, command or prompt gave none that can be used',
  },
  {
    exit: 14,
    code: 'NOT_ENCRYPTED',
    when: "plaintext, LibreOllama's own file, or an older SQLCipher format",
  },
  { exit: 15, code: 'CORRUPT', when: 'the file is damaged' },
  { exit: 16, code: 'MIGRATION_FAILED', when: 'a migration was refused or rolled back' },
  { exit: 17, code: 'DECLINED', when: 'the person said no, or gave no answer (Ctrl-D)' },
  { exit: 18, code: 'IO', when: 'disk full, permission denied, read-only' },
  { exit: 130, code: 'SIGINT', when: 'interrupted (Ctrl-C, or Ctrl-D at a prompt)' },
  { exit: 143, code: 'SIGTERM', when: 'terminated' },
] as const

export type OutcomeCode = (typeof OUTCOMES)[number]['code']

/** Returns the exit code of an outcome. */
export function exitCodeOf(code: OutcomeCode): number {
  return OUTCOMES.find((outcome) => outcome.code === code)?.exit ?? 1
}

/** An outcome to report to a user: a code of the table above, plain words, and what to do next. */
export class AppError extends Error {
  readonly code: OutcomeCode
  /** What to do next, as data; a program describes it with its own commands and options. */
  readonly advice: Hint

  constructor(code: OutcomeCode, message: string, options: { hint: Hint; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.advice = options.hint
  }

  get exit(): number {
    return exitCodeOf(this.code)
  }

  /** What to do next, in words that suit every program. */
  get hint(): string {
    return hintWords(this.advice)
  }
}

/**
 * Returns the error for an aborted run: the reason, or the error that has the reason as its cause and says
 * what was stopped.
 */
export function abortError({ reason }: AbortSignal, error: unknown): unknown {
  return error instanceof AppError && error.cause === reason ? error : reason
}

/** Returns the errno name of a failed system call (`ENOENT`, …), or undefined for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  return types.isNativeError(error) && 'syscall' in error ? (error as NodeJS.ErrnoException).code : undefined
}

/**
 * Explains a failed system call on `path` in plain words, as IO; returns anything else unchanged. `role` is
 * the role of the path, if known.
 */
export function explainSystemError(error: unknown, path: string, role?: PathRole): unknown {
  const code = systemErrorCode(error)
  const known = code === undefined ? undefined : SYSTEM_ERRORS[code]
  if (!known) return error
  const [words, hint] = known
  return new AppError('IO', `${path}: ${words} (${code})`, {
    hint: typeof hint === 'string' ? hint : hint(path, role),
    cause: error,
  })
}

const checkOwner = (path: string): Hint => `check who may use it with: ls -ld ${shellWord(path)}`
const checkPath = (path: string, role?: PathRole): Hint => ({ step: 'check_path', path, role })
const choosePath =
  (about: string) =>
  (path: string, role?: PathRole): Hint => ({ step: 'choose_path', path, role, about })

/** The meaning of an errno name, and what to do. */
const SYSTEM_ERRORS: Record<string, [string, string | ((path: string, role?: PathRole) => Hint)]> = {
  EACCES: ['permission denied', checkOwner],
  EPERM: ['the operation is not permitted', checkOwner],
  EROFS: ['the file system is read-only', choosePath('another place')],
  ENOSPC: ['the disk is full', 'free some space (df -h shows how much is left) and run it again'],
  EDQUOT: ['the disk quota is used up', 'free some space and run it again'],
  EIO: ['the disk reported an error', 'copy what can be read to another disk before anything else'],
  ENOTDIR: ['a part of the path is not a folder', checkPath],
  ELOOP: ['too many symbolic links', checkPath],
  ENAMETOOLONG: ['the path is too long', choosePath('a shorter one')],
  EMFILE: ['too many open files', 'raise the limit with: ulimit -n'],
}
