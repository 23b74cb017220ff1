import { open } from 'node:fs/promises'
import { AppError, explainSystemError, systemErrorCode } from '../core/errors.ts'
import type { Host } from './host.ts'
import { readAll } from './host.ts'

/** The text of a file, or of standard input for `-`, exactly as it is. Throws INVALID for bytes that are not UTF-8. */
export async function readText(host: Host, path: string): Promise<string> {
  const bytes = path === '-' ? await readAll(host) : await readFile(path)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new AppError('INVALID', `${path === '-' ? 'standard input' : path} is not UTF-8 text`, {
      hint: 'convert it first, for example with: iconv -f latin1 -t utf-8',
      cause: error,
    })
  }
}

async function readFile(path: string): Promise<Buffer> {
  try {
    const file = await open(path)
    try {
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code !== 'ENOENT' && code !== 'EISDIR') throw explainSystemError(error, path)
    throw new AppError('USAGE', code === 'ENOENT' ? `there is no file ${path}` : `${path} is a folder`, {
      hint: 'name a text file, or - for standard input',
      cause: error,
    })
  }
}
