import { isUtf8 } from 'node:buffer'
import { AppError } from '../../errors.ts'
import { Refused } from '../conversation.ts'

/** Bytes. A value this large is no conversation, and the longest JavaScript string is not much longer. */
const LARGEST = 256 * 1024 * 1024

/** The position of the most recent value; lines are counted from 1. */
export interface Position {
  line: number
}

/** Options for splitting a text into values. */
export interface ElementOptions {
  /** Updated with the position of each value before it is yielded. */
  position?: Position
  /** The largest value to yield, in bytes; 256 MB by default. */
  largest?: number
}

const [QUOTE, BACKSLASH, OPEN, CLOSE, BRACE, UNBRACE, COMMA] = [...'"\\[]{},'].map((sign) =>
  sign.charCodeAt(0),
)

/** The bytes of a byte-order mark, with which no JSON begins. */
const MARK = new Set([0xef, 0xbb, 0xbf])

/**
 * Yields the values of a JSON text, as bytes: the elements of an array, a single value, or one value after
 * the other (JSON lines). They arrive chunk by chunk, and each chunk's values have to be used before the next
 * is requested; however large the text is, only one value is held. A value larger than 256 MB is Refused.
 * Throws INVALID when the text ends in the middle of a value.
 */
export async function* jsonElements(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  options: ElementOptions = {},
): AsyncGenerator<Iterable<Buffer | Refused>> {
  const scanner = new Scanner(name, options)
  for await (const chunk of chunks) yield scanner.push(asBuffer(chunk))
  yield scanner.end()
}

/** Yields the elements of a complete array, as bytes. */
export const elementsOf = (json: Buffer): Iterable<Buffer | Refused> => new Scanner('').push(json)

const asBuffer = (chunk: Uint8Array) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)

/**
 * The bytes of a value that began in an earlier chunk. Of a value that becomes too large only the first piece
 * is kept.
 */
export class Pieces {
  readonly #largest: number
  #pieces: Buffer[] = []
  size = 0

  constructor({ largest = LARGEST }: ElementOptions) {
    this.#largest = largest
  }

  /** The very first byte. */
  get first(): number | undefined {
    return this.#pieces[0]?.[0]
  }

  keep(piece: Buffer): void {
    if (piece.length === 0) return
    this.size += piece.length
    if (this.size <= this.#largest) this.#pieces.push(Buffer.from(piece))
    else this.#pieces.splice(1)
  }

  /** Returns the value that `last` completes; Refused when it is larger than 256 MB. */
  take(last: Buffer): Buffer | Refused {
    if (this.size === 0) return last
    const pieces = this.#pieces
    const size = this.size + last.length
    this.#pieces = []
    this.size = 0
    if (size <= this.#largest) return Buffer.concat([...pieces, last])
    return new Refused(null, `it has ${size} bytes, more than the ${this.#largest} that are read at once`)
  }
}

/** Counts the line ends in a range of bytes. */
function newlinesIn(bytes: Buffer, from: number, to: number): number {
  let count = 0
  for (let at = bytes.indexOf(10, from); at >= 0 && at < to; at = bytes.indexOf(10, at + 1)) count++
  return count
}

/** Finds where values begin and end; JSON.parse handles their content. */
class Scanner {
  readonly #name: string
  readonly #waiting: Pieces
  #depth = 0
  #inString = false
  #escaped = false
  /** True when the outermost value is an array whose elements are wanted. */
  #inArray = false
  #isOver = false
  #atStart = true
  readonly #position: Position
  /** The line of the most recent byte. */
  #line = 1

  constructor(name: string, options: ElementOptions = {}) {
    this.#name = name
    this.#position = options.position ?? { line: 1 }
    this.#waiting = new Pieces(options)
  }

  *push(chunk: Buffer): Generator<Buffer | Refused> {
    let start = this.#waiting.size > 0 ? 0 : -1
    let counted = 0
    const countTo = (end: number) => {
      this.#line += newlinesIn(chunk, counted, end)
      counted = end
    }
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) this.#inString = false
        continue
      }
      const isSpace = byte === 32 || (byte >= 9 && byte <= 13)
      if (start < 0) {
        if (isSpace || (byte === COMMA && this.#inArray)) continue
        if (this.#atStart && MARK.has(byte)) continue
        if (this.#openOrClose(byte)) continue
        start = at
        countTo(at)
        this.#position.line = this.#line
      }
      // A value that is neither array nor object ends before what follows it.
      const begun = at > start || this.#waiting.size > 0
      const endsBefore = this.#depth === 0 && begun && (isSpace || byte === COMMA || byte === CLOSE)
      if (endsBefore && !this.#isStructure(start, chunk)) {
        yield this.#waiting.take(chunk.subarray(start, at))
        start = -1
        this.#openOrClose(byte)
        continue
      }
      if (byte === QUOTE) this.#inString = true
      else if (byte === OPEN || byte === BRACE) this.#depth++
      else if (byte === CLOSE || byte === UNBRACE) {
        this.#depth--
        if (this.#depth > 0) continue
        if (this.#depth < 0) throw broken(this.#name, 'a bracket closes that was not opened')
        yield this.#waiting.take(chunk.subarray(start, at + 1))
        start = -1
      }
    }
    countTo(chunk.length)
    if (start >= 0) this.#waiting.keep(chunk.subarray(start))
  }

  *end(): Generator<Buffer | Refused> {
    if (this.#inString || this.#depth > 0) throw broken(this.#name, 'it ends in the middle of a value')
    if (this.#waiting.size > 0) yield this.#waiting.take(Buffer.alloc(0))
    if (this.#inArray && !this.#isOver) throw broken(this.#name, 'it ends before its array does')
  }

  /** Handles the brackets of the outermost array; returns true when `byte` was one. */
  #openOrClose(byte: number): boolean {
    const first = this.#atStart
    this.#atStart = false
    if (first && byte === OPEN) {
      this.#inArray = true
      return true
    }
    if (this.#isOver) throw broken(this.#name, 'something follows its end')
    if (byte !== CLOSE || !this.#inArray || this.#depth > 0) return false
    this.#isOver = true
    return true
  }

  #isStructure(start: number, chunk: Buffer): boolean {
    const first = this.#waiting.first ?? chunk[start]
    return first === OPEN || first === BRACE
  }
}

export function broken(name: string, what: string): AppError {
  return new AppError('INVALID', `${name} is not whole JSON: ${what}`, {
    hint: 'export or download it again; what came before is imported, and importing again goes on',
  })
}

/** Parses a value; rejects bytes that are not text, or not JSON, one value at a time. */
export function parseElement(bytes: Buffer, text: string): unknown {
  if (!isUtf8(bytes)) return new Refused(null, 'it is not valid UTF-8 text')
  try {
    return JSON.parse(text)
  } catch (error) {
    return new Refused(null, `it is not valid JSON: ${error instanceof Error ? error.message : error}`)
  }
}
