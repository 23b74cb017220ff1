import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { exists } from '../file-facts.ts'
import { discardDatabase, makeFolderFor, publishFile } from '../new-file.ts'
import { namesFor, recover } from '../unfinished.ts'
import type { ExportedChat, ExportFormat, ExportOptions } from './export/shape.ts'

const BUFFER = 256 * 1024

/** Told of what was written, as it happens. */
type OnBytes = (bytes: number) => void

/** Writes pieces of text to a new file, 0600, which has its name only when it is whole. */
export async function writeNewFile(
  path: string,
  pieces: AsyncIterable<string | Uint8Array>,
  onBytes: OnBytes,
): Promise<void> {
  if (await exists(path)) throw taken(path)
  await makeFolderFor(path)
  await recover(path)
  const { made } = namesFor(path, 'export', new Date())
  try {
    await writeAll(made, pieces, onBytes)
    await publishFile(made, path)
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') throw taken(path)
    throw explainSystemError(error, path)
  } finally {
    await discardDatabase(made)
  }
}

async function writeAll(
  path: string,
  pieces: AsyncIterable<string | Uint8Array>,
  onBytes: OnBytes,
): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await pour(file, pieces, onBytes)
  } finally {
    await file.close()
  }
}

/** Writes pieces one after the other, small ones together, while the next is being made. */
async function pour(
  file: FileHandle,
  pieces: AsyncIterable<string | Uint8Array>,
  onBytes: OnBytes,
): Promise<void> {
  let waiting: Uint8Array[] = []
  let size = 0
  let writing = Promise.resolve()
  const flush = async () => {
    const buffers = waiting
    waiting = []
    size = 0
    await writing
    writing = file.writeFile(Buffer.concat(buffers))
    writing.catch(() => {}) // told by the next who waits for it
  }
  for await (const piece of pieces) {
    const buffer = typeof piece === 'string' ? Buffer.from(piece) : piece
    waiting.push(buffer)
    size += buffer.length
    onBytes(buffer.length)
    if (size >= BUFFER) await flush()
  }
  await flush()
  await writing
}

/** Writes one file for each chat into a folder, which is made; names are safe and unique. */
export async function writeFolder(
  folder: string,
  format: ExportFormat,
  chats: AsyncIterable<ExportedChat>,
  { onBytes, ...options }: ExportOptions & { onBytes: OnBytes },
): Promise<void> {
  const { fileName } = format
  if (!fileName) throw new Error(`${format.name} is not written as a folder`)
  await makeFolderFor(join(folder, 'chat'))
  const names = new Set<string>()
  for await (const chat of chats) {
    async function* one() {
      yield chat
    }
    await writeNewFile(join(folder, fileName(chat.session, names)), format.write(one(), options), onBytes)
  }
}

function taken(path: string): AppError {
  return new AppError('IO', `there is a file at ${path} already; it was not overwritten`, {
    hint: `name another place with --out, or move ${basename(path)} away`,
  })
}
