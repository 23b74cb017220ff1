import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '../errors.ts'
import { examineFile, identify } from './file-facts.ts'

/** The other names of a file (hard links): their number, and those in the same folder. */
export interface OtherNames {
  count: number
  /** Absolute paths. */
  here: string[]
}

/**
 * Finds the other names of the file that `path` leads to; ignores those that an interrupted operation of this
 * program left.
 */
export async function otherNames(path: string): Promise<OtherNames> {
  const { realPath, kind } = await examineFile(path)
  if (kind !== 'file') return { count: 0, here: [] }
  const { nlink, dev, ino } = await lstat(realPath)
  if (nlink < 2) return { count: 0, here: [] }
  const folder = dirname(realPath)
  const id = `${dev}:${ino}`
  const here: string[] = []
  let own = 0
  for (const name of await readdir(folder).catch(() => [])) {
    const other = join(folder, name)
    if (other === realPath || (await identify(other)) !== id) continue
    if (OWN.test(name) && name.startsWith(`${basename(realPath)}.`)) own++
    else here.push(other)
  }
  return { count: Math.max(nlink - 1 - own, 0), here }
}

const OWN = /\.(before-[a-z]+-\d{8}T\d{9}Z|[a-z]+-\d+-\d{8}T\d{9}Z\.(new|old))$/

/** Describes, in words, what a user who replaces such a file has to know. */
export function describeOtherNames(path: string, { count, here }: OtherNames): string {
  const names = count === 1 ? 'another name' : `${count} other names`
  const which = here.length > 0 ? ` (${here.join(', ')})` : ''
  return `${path} has ${names}${which}, which would keep the old content and the old key`
}

/** Throws INVALID for a file with other names: after it is replaced, these still lead to the old file. */
export async function refuseOtherNames(path: string): Promise<void> {
  const others = await otherNames(path)
  if (others.count > 0) throw otherNamesError(path, others)
}

/** Creates the error for such a file. */
export function otherNamesError(path: string, others: OtherNames, hint = REMOVE): AppError {
  return new AppError('INVALID', describeOtherNames(path, others), { hint })
}

const REMOVE = 'remove the other names first: find <folder> -samefile <path> lists them; nothing was changed'
