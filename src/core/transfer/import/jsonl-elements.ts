import { Refused } from '../conversation.ts'
import { lengthOfChat, SESSION_START, sessionOf } from './chat-lines.ts'
import type { ChatLines } from './import-items.ts'
import { broken, type ElementOptions, Pieces, type Position } from './json-elements.ts'
import type { ImportRow } from './rows.ts'

/** Bytes to examine together. */
const BLOCK = 512 * 1024
const [NEWLINE, COMMA, OPEN, CLOSE, UNBRACE] = [10, 44, 91, 93, 125]
/** Bytes before the first line, reserved for the bracket of an array. */
const SPARE = 1

/**
 * Yields the lines of an export of this program, as bytes, and whole chats together when they have the usual
 * form. They arrive block by block, and each block's have to be used before the next is requested. A line
 * larger than 256 MB is Refused. Throws INVALID when the text ends in the middle of a line.
 */
export async function* jsonlElements(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  options: ElementOptions & { blockSize?: number } = {},
): AsyncGenerator<Iterable<Buffer | Refused | ChatLines>> {
  const splitter = new LineSplitter(name, options)
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      at += splitter.fill(chunk.subarray(at))
      if (splitter.isFull) yield splitter.split(false)
    }
  }
  yield splitter.split(true)
  yield splitter.end()
}

class LineSplitter {
  readonly #name: string
  readonly #blockSize: number
  /** The bytes to examine next: a spare byte, then the chat whose end was not available yet. */
  #block: Buffer
  #size = SPARE
  /** A line that began in an earlier block. */
  readonly #line: Pieces
  readonly #position: Position
  /** The number of lines yielded so far. */
  #lines = 0

  constructor(name: string, options: ElementOptions & { blockSize?: number }) {
    const { blockSize = BLOCK, position = { line: 1 } } = options
    this.#name = name
    this.#position = position
    this.#line = new Pieces(options)
    this.#blockSize = blockSize
    this.#block = Buffer.allocUnsafe(SPARE + blockSize)
  }

  get isFull(): boolean {
    return this.#size === this.#block.length
  }

  /** Copies as many of the bytes as there is room for; returns their number. */
  fill(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.#block.length - this.#size)
    this.#block.set(taken, this.#size)
    this.#size += taken.length
    return taken.length
  }

  #begin(unfinished: Buffer): void {
    this.#block = Buffer.allocUnsafe(SPARE + unfinished.length + this.#blockSize)
    this.#block.set(unfinished, SPARE)
    this.#size = SPARE + unfinished.length
  }

  *split(isLast: boolean): Generator<Buffer | Refused | ChatLines> {
    const block = this.#block.subarray(0, this.#size)
    let given = SPARE
    let at = this.#line.size > 0 ? block.indexOf(NEWLINE, SPARE) + 1 || block.length : SPARE
    while (at < block.length) {
      const { sessions, end, isUnfinished } = chatsAt(block, at, isLast)
      if (sessions.length > 0) {
        yield* this.#linesOf(block.subarray(given, at))
        const { json, lines } = asArray(block.subarray(at - 1, end))
        const line = this.#lines + 1
        this.#lines += lines
        yield { kind: 'lines', file: this.#name, line, sessions, messages: lines - sessions.length, json }
        given = end
      }
      if (isUnfinished && block.length - end < this.#blockSize) {
        yield* this.#linesOf(block.subarray(given, end))
        return this.#begin(block.subarray(end))
      }
      at = nextSession(block, end)
    }
    yield* this.#linesOf(block.subarray(given))
    if (!isLast) this.#begin(Buffer.alloc(0))
  }

  *end(): Generator<Buffer | Refused> {
    const last = this.#line.take(Buffer.alloc(0))
    this.#position.line = this.#lines + 1
    if (last instanceof Refused) return yield last
    if (!isFilled(last)) return
    if (last.at(-1) !== UNBRACE) throw broken(this.#name, 'it ends in the middle of a value')
    yield last
  }

  *#linesOf(bytes: Buffer): Generator<Buffer | Refused> {
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const line = this.#line.take(bytes.subarray(start, end))
      this.#position.line = ++this.#lines
      if (line instanceof Refused || isFilled(line)) yield line
      start = end + 1
    }
    this.#line.keep(bytes.subarray(start))
  }
}

/**
 * Returns the consecutive chats from `at` on: their sessions, where they end, and whether the next one is
 * incomplete.
 */
function chatsAt(block: Buffer, at: number, isLast: boolean) {
  const sessions: ImportRow[] = []
  let start = at
  while (block.subarray(start, start + SESSION.length).equals(SESSION)) {
    const lines = block.toString('latin1', start, nextSession(block, start) + SESSION.length)
    const length = lengthOfChat(lines, isLast)
    if (length === 'unfinished') return { sessions, end: start, isUnfinished: true }
    const session = length && sessionOf(block.subarray(start, start + length))
    if (!session) break
    sessions.push(session)
    start += length
  }
  return { sessions, end: start, isUnfinished: false }
}

/** Turns lines and the byte before them into one array, in place; returns it with the number of lines. */
function asArray(json: Buffer): { json: Buffer; lines: number } {
  let lines = 0
  json[0] = OPEN
  for (let end = json.indexOf(NEWLINE); end >= 0; end = json.indexOf(NEWLINE, end)) {
    json[end] = COMMA
    lines++
  }
  json[json.length - 1] = CLOSE
  return { json, lines }
}

const SESSION = Buffer.from(SESSION_START)
const AFTER_LINE = Buffer.from(`\n${SESSION_START}`)

/** Returns where the first session begins after the line at `from`, or the end. */
function nextSession(block: Buffer, from: number): number {
  return block.indexOf(AFTER_LINE, from) + 1 || block.length
}

const isFilled = (line: Buffer) => line.some((byte) => byte > 32)
