import { AppError } from '../errors.ts'
import type { Handle } from './engine-connection.ts'

/** The part of the driver in use. Its type declarations omit some of it. */
interface Driver {
  VERSION: string
  VERSION_NUMBER: number
  OPEN_READONLY: number
  OPEN_READWRITE: number
  OPEN_URI: number
  Database: new (name: string, mode: number, done: (error: Error | null) => void) => Handle
}

/** The first SQLite release without the WAL-reset bug, which loses commits. */
const OLDEST_SAFE_ENGINE = 3_051_003

let loading: Promise<Driver> | undefined

/**
 * Loads the driver when the first file is opened, so that everything else works without it. Throws FAILURE
 * when it was not compiled, or was compiled for another system or another Node version, and for a release
 * that can lose commits.
 */
export function loadEngine(): Promise<Driver> {
  loading ??= import('@journeyapps/sqlcipher').then(
    ({ default: driver }) => refuseUnsafe(driver as unknown as Driver),
    (error) => {
      throw engineError(error)
    },
  )
  return loading
}

function refuseUnsafe(driver: Driver): Driver {
  if (driver.VERSION_NUMBER >= OLDEST_SAFE_ENGINE) return driver
  throw new AppError('FAILURE', `the installed engine is SQLite ${driver.VERSION}, which can lose commits`, {
    hint: 'npm install @journeyapps/sqlcipher@6 brings one that cannot',
  })
}

const REBUILD =
  `build it where this program is installed, with python3, make and a C++ compiler at hand: npm rebuild
@journeyapps/sqlcipher, or pnpm approve-builds, or bun pm trust @journeyapps/sqlcipher`.replace(/\n/g, ' ')

/**
 * Explains why the driver cannot be loaded: package managers leave it uncompiled unless they are told to run
 * its script.
 */
export function engineError(error: unknown): AppError {
  const { code, message = '' } = Object(error) as { code?: string; message?: string }
  const [reason = ''] = message.split('\n')
  if (code === 'ERR_DLOPEN_FAILED') {
    const words = 'the encryption engine was built for another system or another version of Node'
    return new AppError('FAILURE', `${words} (${reason})`, { hint: REBUILD, cause: error })
  }
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    return new AppError('FAILURE', `the encryption engine is not installed (${reason})`, {
      hint: 'npm install @journeyapps/sqlcipher@6 in the folder where this program is installed',
      cause: error,
    })
  }
  return new AppError('FAILURE', 'the encryption engine is not built', { hint: REBUILD, cause: error })
}
