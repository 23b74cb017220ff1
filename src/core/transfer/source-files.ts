import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { Assets } from './assets.ts'

/** A file that may hold chats. */
export interface SourceFile {
  /** As it is told to a person: its path, or its name inside a folder or an archive. */
  name: string
  /** Where it is on the disk; undefined inside an archive. */
  path: string | undefined
  /** Bytes: its own, and those of everything that was named. */
  size: number
  total: number
  /** Whether it was named itself, so that it has to be understood; what lies in a folder or an archive may be anything. */
  named: boolean
  /** The other files of its folder or archive. */
  assets?: Assets
  read: () => AsyncIterable<Uint8Array>
}

/** The files of what was named: a file, a folder with all below it, an archive. Throws USAGE where there is nothing. */
export async function* sourceFiles(path: string): AsyncGenerator<SourceFile> {
  const status = await stat(path).catch((error) => {
    if (systemErrorCode(error) !== 'ENOENT') throw explainSystemError(error, path)
    throw new AppError('USAGE', `there is no file ${path}`, {
      hint: 'name the file, folder or archive to import',
    })
  })
  if (!status.isDirectory()) {
    yield* fileOrArchive(path, path, status.size, true)
    return
  }
  const files = await filesBelow(path)
  const assets = new Assets(files.map(({ name }) => ({ name, read: () => readWhole(join(path, name)) })))
  const total = files.reduce((sum, { size }) => sum + size, 0)
  for (const { name, size } of files) {
    for await (const file of fileOrArchive(join(path, name), name, size, false))
      yield { assets, ...file, total: Math.max(total, file.total) }
  }
}

async function filesBelow(folder: string): Promise<{ name: string; size: number }[]> {
  const files: { name: string; size: number }[] = []
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const status = await stat(join(folder, name)).catch(() => undefined) // a link that leads nowhere
    if (status?.isFile()) files.push({ name, size: status.size })
  }
  return files
}

const ARCHIVE = Buffer.from('PK\x03\x04', 'latin1')

async function* fileOrArchive(
  path: string,
  name: string,
  size: number,
  named: boolean,
): AsyncGenerator<SourceFile> {
  if ((await firstBytes(path, ARCHIVE.length)).equals(ARCHIVE)) {
    const { archiveEntries } = await import('./archive.ts')
    let assets: Assets | undefined
    for await (const { entry, all } of archiveEntries(path)) {
      assets ??= new Assets(all)
      const total = all.reduce((sum, other) => sum + other.size, 0)
      yield { ...entry, total, path: undefined, named: false, assets }
    }
    return
  }
  yield { name, path, size, total: size, named, read: () => readWhole(path) }
}

const readWhole = (path: string) => createReadStream(path, { highWaterMark: 64 * 1024 })

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
    throw explainSystemError(error, path)
  }
}
