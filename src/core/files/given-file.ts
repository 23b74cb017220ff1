import { constants, type Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

/** Reports that a file named by the user is unsuitable: of the wrong kind, or too large. */
export class UnfitFile extends Error {
  /** The reason, in words that follow the name of the file: `is a named pipe`. */
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`)
    this.name = 'UnfitFile'
    this.reason = reason
  }
}

/** Paths that the shell passes as files but that are pipes: `<(command)`, and standard input under a name. */
const PASSED_BY_SHELL = /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/(?:self|\d+)\/fd\/\d+)$/

/** Bytes per read. */
const CHUNK = 64 * 1024

/**
 * Reads all bytes of a regular file, or of a pipe that the shell passes. A named pipe, a device or a socket,
 * on which a read could wait forever, is rejected at once. Throws UnfitFile for these and for more than
 * `most` bytes; system errors are thrown unchanged.
 */
export async function readGivenFile(path: string, most: number): Promise<Buffer> {
  const isPassed = PASSED_BY_SHELL.test(resolve(path))
  refuseUnfit(path, await stat(path), most, isPassed)
  // The file may have been replaced by now: opening a pipe must not wait for a writer.
  const file = await open(path, isPassed ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const status = await file.stat()
    refuseUnfit(path, status, most, isPassed)
    const pieces: Buffer[] = []
    for (let size = 0; ; ) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null)
      pieces.push(buffer.subarray(0, bytesRead))
      size += bytesRead
      if (size > most) throw tooLarge(path, `more than ${most}`, most)
      if (bytesRead === 0 || (status.isFile() && bytesRead < CHUNK)) return Buffer.concat(pieces)
    }
  } finally {
    await file.close()
  }
}

function refuseUnfit(path: string, status: Stats, most: number, isPassed: boolean): void {
  const kind = kindOf(status)
  if (kind !== 'a regular file' && !(isPassed && status.isFIFO())) throw new UnfitFile(path, `is ${kind}`)
  if (status.size > most) throw tooLarge(path, String(status.size), most)
}

function tooLarge(path: string, bytes: string, most: number): UnfitFile {
  return new UnfitFile(path, `has ${bytes} bytes, and at most ${most} are read`)
}

/** Returns the kind of a file in words. */
export function kindOf(status: Stats): string {
  if (status.isFile()) return 'a regular file'
  if (status.isDirectory()) return 'a folder'
  if (status.isFIFO()) return 'a named pipe'
  if (status.isSocket()) return 'a socket'
  return status.isSymbolicLink() ? 'a symbolic link' : 'a device'
}
