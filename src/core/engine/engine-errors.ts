import { types } from 'node:util'
import type { Hint } from '../advice.ts'
import { AppError } from '../errors.ts'

/** An error as the driver creates them. */
export type EngineError = Error & { errno: number; code: string }

/** Returns true when an error comes from the engine, judging by its shape. */
export const isEngineError = (error: unknown): error is EngineError =>
  types.isNativeError(error) &&
  'errno' in error &&
  'code' in error &&
  String(error.code).startsWith('SQLITE_')

/** Creates the error for a lock that could not be acquired in time. */
export function lockedError(path: string, cause?: Error): AppError {
  return new AppError('LOCKED', `${path}: locked by another program`, {
    hint: { step: 'wait_longer' },
    cause,
  })
}

/**
 * Explains an engine error in plain words, by its code; an error in our own SQL stays as it is and counts as
 * a defect.
 */
export function explainEngineError(error: Error, path: string): Error {
  if (!isEngineError(error)) return error
  const say = (code: AppError['code'], message: string, hint: Hint) =>
    new AppError(code, `${path}: ${message}`, { hint, cause: error })
  switch (error.code) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return lockedError(path, error)
    case 'SQLITE_NOTADB':
      return say('WRONG_KEY', 'the key does not open it', {
        step: 'diagnose',
        path,
        about: 'see why',
      })
    case 'SQLITE_CORRUPT':
      return say('CORRUPT', 'the database is damaged', {
        step: 'diagnose',
        path,
        about: 'see which pages',
      })
    case 'SQLITE_FULL':
      return say('IO', 'the disk is full', 'free some space (df -h shows how much is left) and run it again')
    case 'SQLITE_READONLY':
      return say(
        'IO',
        'it cannot be written',
        'check the permissions of the file and its folder with: ls -ld',
      )
    case 'SQLITE_CANTOPEN':
      return say('IO', 'it cannot be opened', 'check the permissions of the file and its folder with: ls -ld')
    case 'SQLITE_PERM':
    case 'SQLITE_AUTH':
      return say('IO', 'permission denied', 'check the permissions of the file and its folder with: ls -ld')
    case 'SQLITE_IOERR':
      return say(
        'IO',
        'reading or writing the disk failed',
        'df -h shows whether the disk is full; if it is not, copy the file to another disk',
      )
    case 'SQLITE_NOMEM':
      // SQLCipher reports the same for everything that follows a page that it could not read.
      return say('IO', 'a page could not be read, or the memory is used up', READ_AGAIN)
    case 'SQLITE_CONSTRAINT':
      return new AppError('INVALID', refusedValue(error.message), {
        hint: 'change the value and try again',
        cause: error,
      })
    case 'SQLITE_TOOBIG':
      return say('INVALID', 'the value is too large', 'text and blobs are limited to 1,000,000,000 bytes')
    default:
      return error
  }
}

const READ_AGAIN: Hint = [
  'run the command again',
  { step: 'check_health', about: 'see whether it happens each time' },
]

/**
 * Returns true for an error without details: a mistake in SQL is always described, so a virtual table failed,
 * usually while it was read.
 */
export const isBare = ({ message }: EngineError) => message === 'SQLITE_ERROR: SQL logic error'

/** Creates the error in plain words for a failed virtual table. */
export function bareError(path: string, cause: EngineError): AppError {
  return new AppError('IO', `${path}: a part of a table could not be read`, { hint: READ_AGAIN, cause })
}

/** Describes a constraint violation in plain words; the message names the table and column, or the rule. */
function refusedValue(message: string): string {
  const [, kind, what = ''] =
    /^SQLITE_CONSTRAINT: (\w+(?: \w+)?) constraint failed(?:: (.*))?$/s.exec(message) ?? []
  switch (kind) {
    case 'FOREIGN KEY':
      return 'it refers to a record that is not there (FOREIGN KEY)'
    case 'UNIQUE':
      return `there is a record with the same ${what} already (UNIQUE)`
    case 'NOT NULL':
      return `${what} needs a value (NOT NULL)`
    case 'CHECK':
      return `a value breaks the rule ${what} (CHECK)`
    default:
      return message.replace(/^SQLITE_CONSTRAINT: /, '')
  }
}
