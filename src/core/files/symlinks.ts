import { lstat, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { shellWord } from '../shell-word.ts'

/** The longest chain of links that Linux follows. */
const MOST_LINKS = 40

/**
 * Resolves the symbolic links of a path. When nothing exists there yet, or a link leads to nothing, the
 * result is the path of the file that would be created. Throws IO for a cycle of links and for a folder that
 * may not be read.
 */
export async function followLinks(path: string): Promise<string> {
  let next = path
  for (let links = 0; links <= MOST_LINKS; links++) {
    const real = await existing(next)
    if (real !== undefined) return real
    const folder = (await existing(dirname(next))) ?? dirname(next)
    const place = join(folder, basename(next))
    const target = await readlink(place).catch(() => undefined)
    if (target === undefined) return place
    next = resolve(folder, target)
  }
  throw new AppError('IO', `${path}: too many symbolic links (ELOOP)`, {
    hint: `look at the links with: ls -l ${shellWord(path)}`,
  })
}

/** Returns the target of a symbolic link that leads to nothing; undefined for every other path. */
export async function danglingTarget(path: string): Promise<string | undefined> {
  const isLink = await lstat(path).then(
    (status) => status.isSymbolicLink(),
    () => false,
  )
  return isLink && (await existing(path)) === undefined ? followLinks(path) : undefined
}

/**
 * Describes the dangling symbolic link that is the reason why there is no file at `path`: the path itself or
 * a folder above it. Returns a sentence and a hint.
 */
export async function describeDangling(path: string): Promise<{ words: string; hint: string } | undefined> {
  for (let place = resolve(path); ; place = dirname(place)) {
    const target = await danglingTarget(place)
    if (target !== undefined) {
      return {
        words: `${place} is a symbolic link to ${target}, which does not exist`,
        hint: `make available what it leads to (is its disk mounted?), or remove the link: rm ${shellWord(place)}`,
      }
    }
    const isThere = await lstat(place).then(
      () => true,
      () => false,
    )
    if (isThere || place === dirname(place)) return undefined
  }
}

/** Describes, in a sentence, what exists at a path where a new file was to be created. */
export async function describeTaken(path: string, what = 'file'): Promise<string> {
  const dangling = await describeDangling(path)
  return `${dangling?.words ?? `there is a ${what} at ${path} already`}; it was not overwritten`
}

async function existing(path: string): Promise<string | undefined> {
  return realpath(path).catch((error) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw explainSystemError(error, path)
  })
}
