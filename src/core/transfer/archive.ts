import { type Entry, open, type ZipFile } from 'yauzl'
import { AppError } from '../errors.ts'

/** A file inside a zip archive. */
export interface ArchiveEntry {
  name: string
  /** Bytes, unpacked. */
  size: number
  read: () => Promise<AsyncIterable<Uint8Array>>
}

/** Unpacked, more than this at more than a thousandfold is made to fill a disk, not to hold chats. */
const SUSPICIOUS = 64 * 1024 * 1024

/**
 * Runs `work` on the files of a zip archive; nothing is unpacked to the disk. Throws INVALID, before anything is read,
 * for an archive that is broken, has names that lead out of it, or is a zip bomb.
 */
export async function withArchive<T>(
  path: string,
  work: (entries: ArchiveEntry[]) => Promise<T>,
): Promise<T> {
  const zip = await openArchive(path)
  try {
    const entries = (await listEntries(zip)).filter(({ fileName }) => !fileName.endsWith('/'))
    const bomb = entries.find(
      ({ uncompressedSize, compressedSize }) =>
        uncompressedSize > SUSPICIOUS && uncompressedSize > compressedSize * 1000,
    )
    if (bomb)
      throw broken(
        path,
        `${bomb.fileName} would unpack to ${bomb.uncompressedSize} bytes, as a zip bomb does`,
      )
    return await work(
      entries.map((entry) => ({
        name: entry.fileName,
        size: entry.uncompressedSize,
        read: () => readEntry(zip, entry),
      })),
    )
  } catch (error) {
    throw error instanceof AppError || !isZipError(error) ? error : broken(path, error.message)
  } finally {
    zip.close()
  }
}

function openArchive(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) =>
    open(path, { lazyEntries: true, autoClose: false }, (error, zip) =>
      error ? reject(broken(path, error.message)) : resolve(zip),
    ),
  )
}

function listEntries(zip: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = []
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry) => {
      entries.push(entry)
      zip.readEntry()
    })
    zip.once('end', () => resolve(entries))
    zip.once('error', reject)
    zip.readEntry()
  })
}

function readEntry(zip: ZipFile, entry: Entry): Promise<AsyncIterable<Uint8Array>> {
  return new Promise((resolve, reject) =>
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream))),
  )
}

/** The library throws plain errors about what it reads; ours and those of the system have a code. */
function isZipError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    !('code' in error && typeof error.code === 'string' && error.code.startsWith('E'))
  )
}

function broken(path: string, reason: string): AppError {
  return new AppError('INVALID', `${path} is not a usable zip archive: ${reason}`, {
    hint: 'unpack it yourself (unzip shows what is wrong) and import the folder',
  })
}
