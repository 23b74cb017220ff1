import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Advice } from '../../advice.ts'
import { AppError, explainSystemError, systemErrorCode } from '../../errors.ts'
import { recoverExports } from '../../files/recovery.ts'
import { describeTaken } from '../../files/symlinks.ts'
import type { ExportFormat } from './formats/export-format.ts'
import { loadExportFormat } from './formats/formats.ts'

/** The target of an export, and its format. */
export interface ExportPlace {
  /** Absolute, with links resolved when it is an empty folder. */
  path: string
  format: ExportFormat
}

/**
 * Checks that an export of this format can be written to `out`: a new file, or, for a format with one file
 * per chat, a folder that is new or empty. Throws USAGE for a name that means a folder when a file is needed,
 * IO when something is in the way.
 */
export async function checkPlace(name: string, out: string): Promise<ExportPlace> {
  const format = await loadExportFormat(name)
  const path = resolve(out)
  // First, since a killed export may have given this name to its plaintext while its temporary name still
  // exists.
  await recoverExports(dirname(path))
  try {
    return { format, path: await freePlace(format, out, path) }
  } catch (error) {
    throw explainPlace(error, path)
  }
}

const chooseOutput = (about: string, example?: string): Advice => ({
  step: 'choose_path',
  role: 'output',
  about,
  ...(example === undefined ? {} : { example }),
})

async function freePlace(format: ExportFormat, out: string, path: string): Promise<string> {
  const { name, extension } = format
  const fileName = 'fileName' in format
  if (out === '') {
    throw new AppError('USAGE', 'the place for the export is empty', {
      hint: chooseOutput(`a new ${fileName ? 'folder' : 'file'}`),
    })
  }
  const found = await lstat(path).catch((error) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  })
  const folder = found && (await stat(path).catch(() => found)).isDirectory()
  if (fileName) return folder ? emptyFolder(path) : found ? taken(path) : path
  if (!folder && found) return taken(path)
  if (!folder && !/[/\\]$/.test(out)) return path
  throw new AppError('USAGE', `${out} is a folder, and ${name} is written as one file`, {
    hint: chooseOutput('a file in it', join(out, `chats.${extension}`)),
  })
}

/**
 * Resolves an empty folder. A new folder beside it will replace it, so it must be on the same disk as its
 * siblings.
 */
async function emptyFolder(named: string): Promise<string> {
  const path = await realpath(named)
  if ((await readdir(path)).length > 0) {
    throw new AppError('IO', `the folder ${named} is not empty; nothing was written into it`, {
      hint: chooseOutput('a new folder', join(named, 'chats')),
    })
  }
  if ((await stat(path)).dev === (await stat(dirname(path))).dev) return path
  throw new AppError('IO', `${named} is where a disk is mounted, and cannot be replaced`, {
    hint: chooseOutput('a new folder in it', join(named, 'chats')),
  })
}

async function taken(path: string): Promise<never> {
  throw new AppError('IO', await describeTaken(path), {
    hint: [chooseOutput('another place'), `or move ${basename(path)} away`],
  })
}

/** Explains a failure to write to `path` in plain words, whatever the system reports. */
export function explainPlace(error: unknown, path: string): unknown {
  const code = systemErrorCode(error)
  if (code === 'EEXIST' || code === 'ENOTEMPTY') {
    return new AppError('IO', `something appeared at ${path} meanwhile; it was not overwritten`, {
      hint: chooseOutput('another place'),
      cause: error,
    })
  }
  const explained = explainSystemError(error, path, 'output')
  if (explained instanceof AppError || code === undefined) return explained
  return new AppError('IO', `${path} cannot be written (${code})`, {
    hint: chooseOutput('another place'),
    cause: error,
  })
}
