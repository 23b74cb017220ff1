import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'
import type { Environment } from '../core/environment.ts'
import { AppError } from '../core/errors.ts'
import { type Output, safe, safeStyled } from './terminal.ts'

/** An input that may be a terminal. */
export type Input = Readable & { isTTY?: boolean; isRaw?: boolean; setRawMode?: (on: boolean) => unknown }

/** Everything outside that a run depends on; `bin` builds the real one, tests build their own. */
export interface Host {
  stdin: Input
  stdout: Output
  stderr: Output
  env: Environment
  now: () => Date
  /** Aborted by Ctrl-C or SIGTERM, with the AppError that ends the run as the reason. */
  signal: AbortSignal
}

/**
 * Writes all of the output, waiting while the reader is slow. A reader that has closed (`| head -1`) is not
 * an error. On a terminal, control sequences are escaped: in text all except colours, in bytes, which are
 * data, all. Throws IO.
 */
export async function write(stream: Output, output: string | Uint8Array): Promise<void> {
  if (hasNoReader(stream)) return
  const shown = stream.isTTY ? forTerminal(stream, output) : output
  if (shown.length === 0) return
  await new Promise<void>((resolve, reject) => {
    stream.write(shown, (error) => {
      if (error && !isClosedPipe(error)) return reject(outputError(error))
      if (error) abandoned.add(stream)
      resolve()
    })
  })
}

/**
 * Writes messages, warnings and errors, if possible: when the messages cannot be written (a full disk under a
 * redirected stderr), the run ends as it otherwise would.
 */
export async function tell(stream: Output, text: string): Promise<void> {
  await write(stream, text).catch(() => {})
}

/** Creates the error for a result that cannot be written. */
function outputError(error: Error): AppError {
  const code = 'code' in error ? String(error.code) : error.message
  const full: Record<string, string> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    EFBIG: 'the file would be larger than allowed',
    EIO: 'the terminal or the disk reported an error',
    EBADF: 'standard output is not open for writing',
  }
  return new AppError('IO', `the result cannot be written: ${full[code] ?? 'writing failed'} (${code})`, {
    hint: 'send the output to another place, where it can be written, and run the command again',
    cause: error,
  })
}

/** A block of bytes may end in the middle of a character. */
const decoders = new WeakMap<Output, TextDecoder>()

function forTerminal(stream: Output, output: string | Uint8Array): string {
  if (typeof output === 'string') return safeStyled(output)
  const decoder = decoders.get(stream) ?? new TextDecoder('utf-8', { ignoreBOM: true })
  decoders.set(stream, decoder)
  return safe(decoder.decode(output, { stream: true }))
}

const abandoned = new WeakSet<Output>()

/** Returns true when nobody reads the output any more. */
export function hasNoReader(stream: Output): boolean {
  return stream.destroyed || abandoned.has(stream)
}

/** Returns true for the error of writing to a reader that has closed. */
function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')
}

/**
 * Reads all of standard input, or slightly more than `most` bytes of a longer one. Throws USAGE when a user
 * would have to type it.
 */
export async function readAll({ stdin, signal }: Host, most: number): Promise<Buffer> {
  if (stdin.isTTY) {
    throw new AppError('USAGE', 'standard input is to be read, and it is a terminal', {
      hint: 'give it through a pipe or from a file',
    })
  }
  if (stdin.readableEnded || stdin.readableDidRead) {
    throw new AppError('USAGE', 'standard input was to be read twice', {
      hint: 'take one of the two from a file',
    })
  }
  const { addAbortSignal } = await import('node:stream')
  const chunks: Buffer[] = []
  try {
    let size = 0
    for await (const chunk of addAbortSignal(signal, stdin)) {
      chunks.push(Buffer.from(chunk))
      size += chunk.length
      if (size > most) break
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
  return Buffer.concat(chunks)
}
