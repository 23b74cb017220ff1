import type { Dirent, Stats } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../../errors.ts'
import { describeDangling } from '../../files/symlinks.ts'
import { Assets } from './assets.ts'

/** A file that may hold chats. */
export interface SourceFile {
  /** Its name for the user: its path, or its name inside a folder or an archive. */
  name: string
  /** Its path on the disk; undefined inside an archive. */
  path: string | undefined
  /** Its size in bytes, and the total of everything to import. */
  size: number
  total: number
  /**
   * True when the user named the file itself, so that it has to be of a known format; files in a folder or an
   * archive may be anything.
   */
  named: boolean
  /** The other files of its folder or archive. */
  assets?: Assets
  /**
   * Reads its bytes from the start, again with each call; each piece is overwritten by the next. Throws an
   * AppError that says why it cannot be read.
   */
  read: () => AsyncIterable<Uint8Array>
}

/**
 * Yields the files at a path: a file, a folder with everything below it, an archive. An unreadable file in a
 * folder is yielded all the same, and throws when it is read. Throws USAGE when there is nothing to import.
 */
export async function* sourceFiles(path: string): AsyncGenerator<SourceFile> {
  const status = await requireSource(path)
  if (status.isFile()) yield* fileOrArchive({ path, name: path, size: status.size }, true)
  else yield* filesIn(path)
}

/** Requires a file or folder to import. Throws USAGE when there is none, IO when it cannot be examined. */
export async function requireSource(path: string): Promise<Stats> {
  const status = await stat(path).catch(async (error) => {
    if (systemErrorCode(error) !== 'ENOENT') throw explainSystemError(error, path, 'source')
    const dangling = await describeDangling(path)
    throw new AppError('USAGE', dangling?.words ?? `there is no file ${path}`, {
      hint: dangling?.hint ?? 'name the file, folder or archive to import',
    })
  })
  if (status.isFile() || status.isDirectory()) return status
  throw new AppError('USAGE', `${path} is no file and no folder, and can be read only once`, {
    hint: 'write what it gives into a file, and import that',
  })
}

interface Found {
  path: string
  name: string
  size: number
  /** The reason why it cannot be read. */
  problem?: unknown
}

async function* filesIn(folder: string): AsyncGenerator<SourceFile> {
  const found: Found[] = []
  for await (const file of below(folder, '')) found.push(file)
  found.sort((one, other) => (one.name < other.name ? -1 : 1))
  const assets = new Assets(found.map(({ name, path }) => ({ name, read: () => bytesOf(path) })))
  const total = found.reduce((sum, { size }) => sum + size, 0)
  for (const file of found) {
    if (file.problem) yield { ...unreadable(file.name, file.problem), total }
    else
      for await (const one of fileOrArchive(file, false))
        yield { assets, ...one, total: Math.max(total, one.total) }
  }
}

/**
 * Yields all files below a folder; does not follow links to folders, and skips what is neither file nor
 * folder.
 */
async function* below(folder: string, prefix: string): AsyncGenerator<Found> {
  let entries: Dirent[] = []
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch (error) {
    yield {
      path: folder,
      name: prefix || folder,
      size: 0,
      problem: explainSystemError(error, folder, 'source'),
    }
  }
  for (const entry of entries) {
    const [path, name] = [join(folder, entry.name), join(prefix, entry.name)]
    if (entry.isDirectory()) {
      yield* below(path, name)
      continue
    }
    const status = await stat(path).catch((error) => explainMissing(error, path))
    if (status instanceof Error) yield { path, name, size: 0, problem: status }
    else if (status.isFile()) yield { path, name, size: status.size }
  }
}

function explainMissing(error: unknown, path: string): Error {
  const explained = explainSystemError(error, path, 'source')
  if (systemErrorCode(explained) !== 'ENOENT') return explained as Error
  return new AppError('IO', `${path}: there is nothing under that name`, {
    hint: 'remove the link, or give the file a name that is UTF-8 text',
    cause: error,
  })
}

/** The first bytes of zip archives: those of the first entry, or without entries those of the end record. */
const ARCHIVES = ['PK\x03\x04', 'PK\x05\x06'].map((text) => Buffer.from(text, 'latin1'))

async function* fileOrArchive({ path, name, size }: Found, named: boolean): AsyncGenerator<SourceFile> {
  try {
    const start = await firstBytes(path, 4)
    if (!ARCHIVES.some((archive) => archive.equals(start))) {
      yield { name, path, size, total: size, named, read: () => bytesOf(path) }
      return
    }
    const { archiveEntries } = await import('./archive.ts')
    let common: Pick<SourceFile, 'total' | 'assets'> | undefined
    for await (const { entry, all } of archiveEntries(path)) {
      common ??= { assets: new Assets(all), total: all.reduce((sum, other) => sum + other.size, 0) }
      yield { ...entry, ...common, path: undefined, named: false }
    }
  } catch (error) {
    if (named || !(error instanceof AppError)) throw error
    yield unreadable(name, error)
  }
}

function unreadable(name: string, problem: unknown): SourceFile {
  return {
    name,
    path: undefined,
    size: 0,
    total: 1,
    named: false,
    // biome-ignore lint/correctness/useYield: it is a file of which nothing can be read
    async *read() {
      throw problem
    },
  }
}

/** Bytes per read. */
const CHUNK = 64 * 1024

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const chunk = Buffer.allocUnsafe(CHUNK)
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK)
        if (bytesRead === 0) return
        yield chunk.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw explainSystemError(error, path, 'source')
  }
}

async function firstBytes(path: string, length: number): Promise<Buffer> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw explainSystemError(error, path, 'source')
  }
}
