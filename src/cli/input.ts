import { constants } from 'node:buffer'
import { AppError, explainSystemError, systemErrorCode } from '../core/errors.ts'
import { readGivenFile, UnfitFile } from '../core/files/given-file.ts'
import type { Host } from './host.ts'
import { readAll } from './host.ts'

/**
 * Reads the text of a file, or of standard input for `-`, unchanged. Throws USAGE for anything but a regular
 * file, INVALID for bytes that are not UTF-8 and for more than `most` of them.
 */
export async function readText(
  host: Host,
  path: string,
  most = constants.MAX_STRING_LENGTH,
): Promise<string> {
  const bytes = path === '-' ? await readAll(host, most) : await readFile(path, most)
  if (bytes.length > most)
    throw new AppError('INVALID', `standard input has more than ${most} bytes`, { hint: SMALLER })
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new AppError('INVALID', `${path === '-' ? 'standard input' : path} is not UTF-8 text`, {
      hint: 'convert it first, for example with: iconv -f latin1 -t utf-8',
      cause: error,
    })
  }
}

const SMALLER = 'name the file that was meant, or give it a smaller one'

async function readFile(path: string, most: number): Promise<Buffer> {
  try {
    return await readGivenFile(path, most)
  } catch (error) {
    const isMissing = systemErrorCode(error) === 'ENOENT'
    if (!isMissing && !(error instanceof UnfitFile)) throw explainSystemError(error, path)
    throw new AppError('USAGE', isMissing ? `there is no file ${path}` : (error as UnfitFile).message, {
      hint: 'name a text file, or - for standard input',
      cause: error,
    })
  }
}
