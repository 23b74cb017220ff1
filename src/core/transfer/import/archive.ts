import { crc32 } from 'node:zlib'
import { type Entry, open, type ZipFile } from 'yauzl'
import { AppError } from '../../errors.ts'

/** A file inside a zip archive. */
export interface ArchiveEntry {
  name: string
  /** Unpacked size in bytes. */
  size: number
  read: () => AsyncIterable<Uint8Array>
}

/**
 * Bytes. An archive that unpacks to more than this, a thousand times its size or more, is made to fill a
 * disk, not to hold chats.
 */
const SUSPICIOUS = 64 * 1024 * 1024

/**
 * Yields the files of a zip archive, each together with all the others, while the archive is open; unpacks
 * nothing to the disk. Throws INVALID, before it yields anything, for an archive that is broken, has names
 * that lead out of it, or is a zip bomb.
 */
export async function* archiveEntries(
  path: string,
): AsyncGenerator<{ entry: ArchiveEntry; all: ArchiveEntry[] }> {
  const zip = await openArchive(path)
  try {
    const entries = await listEntries(zip).catch((error) => {
      throw broken(path, error.message)
    })
    const bomb = entries.find(isBomb)
    if (bomb)
      throw broken(
        path,
        `${bomb.fileName} would unpack to ${bomb.uncompressedSize} bytes, as a zip bomb does`,
      )
    const all = entries
      .filter(({ fileName }) => !fileName.endsWith('/'))
      .map((entry) => ({
        name: entry.fileName,
        size: entry.uncompressedSize,
        read: () => readEntry(path, zip, entry),
      }))
    for (const entry of all) yield { entry, all }
  } finally {
    zip.close()
  }
}

const isBomb = ({ uncompressedSize, compressedSize }: Entry) =>
  uncompressedSize > SUSPICIOUS && uncompressedSize > compressedSize * 1000

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

/** Yields the bytes of an entry. Throws INVALID when they are encrypted, or differ from the original ones. */
async function* readEntry(path: string, zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  if (entry.isEncrypted())
    throw new AppError('INVALID', `${entry.fileName} in ${path} is locked with a password`, {
      hint: 'unpack the archive with its password (unzip asks for it), and import the folder',
    })
  let sum = 0
  try {
    const stream = await new Promise<AsyncIterable<Uint8Array>>((resolve, reject) =>
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
    )
    for await (const chunk of stream) {
      sum = crc32(chunk, sum)
      yield chunk
    }
  } catch (error) {
    throw broken(path, `${entry.fileName}: ${error instanceof Error ? error.message : error}`)
  }
  if (sum !== entry.crc32) throw broken(path, `${entry.fileName} is damaged: its checksum is another one`)
}

function broken(path: string, reason: string): AppError {
  return new AppError('INVALID', `${path} is not a usable zip archive: ${reason}`, {
    hint: 'unpack it yourself (unzip shows what is wrong) and import the folder',
  })
}
