import { constants, type Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

/** Why a file that a person named cannot be what it should be: of another kind, or too large. */
export class UnfitFile extends Error {
  /** What it is, in words that follow its name: `is a named pipe`. */
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`)
    this.name = 'UnfitFile'
    this.reason = reason
  }
}

/** What the shell passes as a file and is a pipe: `<(command)`, and standard input under a name. */
const PASSED_BY_SHELL = /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/(?:self|\d+)\/fd\/\d+)$/

/** Bytes that are read at once. */
const CHUNK = 64 * 1024

/**
 * All bytes of a regular file, or of a pipe that the shell passes. What could be waited for without an end, a
 * named pipe, a device or a socket, is refused at once. Throws UnfitFile for these and for more than `most`
 * bytes; what the system says is thrown as it is.
 */
export async function readGivenFile(path: string, most: number): Promise<Buffer> {
  const isPassed = PASSED_BY_SHELL.test(resolve(path))
  refuseUnfit(path, await stat(path), most, isPassed)
  // It may be another by now: opening a pipe must not wait for somebody to write into it.
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

/** The kind of a file in words. */
export function kindOf(status: Stats): string {
  if (status.isFile()) return 'a regular file'
  if (status.isDirectory()) return 'a folder'
  if (status.isFIFO()) return 'a named pipe'
  if (status.isSocket()) return 'a socket'
  return status.isSymbolicLink() ? 'a symbolic link' : 'a device'
}
