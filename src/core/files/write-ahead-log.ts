import { type FileHandle, open } from 'node:fs/promises'
import { endianness } from 'node:os'

/** The format of a -wal file: SQLite's own, in which SQLCipher encrypts only the pages. */
export interface LogFormat {
  /** Bytes. */
  pageSize: number
  /** True when the checksums read the bytes as big-endian words. */
  bigEndian: boolean
  /** 8 bytes, hex: the frames of this log carry them; frames that an earlier log left behind carry others. */
  salts: string
  /** The checksum that the first frame continues. */
  checksum: Checksum
  /** False when the header is damaged and was inferred from the frames. */
  sound: boolean
}

/** One version of one page in a -wal. */
export class Frame {
  /** Its position in the file, counted from 1. */
  readonly number: number
  readonly #bytes: Buffer
  readonly #bigEndian: boolean

  /** `bytes` are its header and its page; they must not change while the frame is used. */
  constructor(number: number, bytes: Buffer, bigEndian: boolean) {
    this.number = number
    this.#bytes = bytes
    this.#bigEndian = bigEndian
  }

  /** The number of the page that it holds, counted from 1. */
  get page(): number {
    return this.#bytes.readUInt32BE(0)
  }

  /** The size of the database in pages for the last frame of a transaction, otherwise 0. */
  get commit(): number {
    return this.#bytes.readUInt32BE(4)
  }

  get salts(): string {
    return this.#bytes.toString('hex', 8, 16)
  }

  get checksum(): Checksum {
    return [this.#bytes.readUInt32BE(16), this.#bytes.readUInt32BE(20)]
  }

  get content(): Buffer {
    return this.#bytes.subarray(FRAME_HEADER)
  }

  /** Returns true when its checksum correctly continues that of the previous frame, or header, `previous`. */
  continues(previous: Checksum, commit = this.commit): boolean {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(this.page, 0)
    head.writeUInt32BE(commit, 4)
    const sum = addToChecksum(previous, head, this.#bigEndian)
    return equal(addToChecksum(sum, this.content, this.#bigEndian), this.checksum)
  }
}

export type Checksum = readonly [number, number]

/** Commits that SQLite does not read because something before them in the -wal is damaged. */
export interface LostCommits {
  /** The first frame that SQLite does not read, counted from 1; 0 when it is the header of the file. */
  frame: number
  /** The number of commits from there on. */
  commits: number
}

export const HEADER = 32
export const FRAME_HEADER = 24
const MAGIC = 0x377f0682
const VERSION = 3_007_000
const PAGE_SIZES = [4096, 1024, 512, 2048, 8192, 16384, 32768, 65536]
/** Approximate number of bytes per read. */
const BLOCK = 1024 * 1024

/**
 * Finds commits in a -wal that SQLite will not read. SQLite stops at the first frame whose salts or checksum
 * are wrong; when frames of the same log come after it, with a commit among them that others follow, they
 * were committed. The last transaction may look the same after a crash, so a finding never rests on that one
 * alone. The file may be in use: when the log restarts meanwhile, it is scanned again.
 */
export async function findLostCommits(path: string): Promise<LostCommits | undefined> {
  const file = await open(path).catch(() => undefined) // already gone: whoever used it has finished with it
  if (!file) return undefined
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      const before = await readHeader(file)
      const lost = await scan(file)
      if (!lost || before.equals(await readHeader(file))) return lost
    }
    return undefined
  } finally {
    await file.close()
  }
}

async function scan(file: FileHandle): Promise<LostCommits | undefined> {
  const format = await readLogFormat(file)
  if (!format) return undefined
  let previous = format.checksum
  let broken = format.sound ? -1 : 0
  let commits = 0
  let followed = !format.sound
  for await (const frame of readFrames(file, format)) {
    const ours = frame.salts === format.salts
    let commit = frame.commit > 0
    if (broken < 0) {
      const continues = frame.continues(previous)
      if (ours && continues && frame.page > 0) {
        previous = frame.checksum
        continue
      }
      broken = frame.number
      // The checksum does not cover the salts: when it is right, they were changed later, which no crash
      // does.
      if (!ours && continues) followed = true
      else if (!ours) continue
      else commit ||= MARKS.some((mark) => frame.continues(previous, mark))
    } else if (!ours) continue
    if (commits > 0) followed = true
    if (commit) commits++
  }
  return broken >= 0 && commits > 0 && followed ? { frame: broken, commits } : undefined
}

/** Commit marks that a single flipped bit turns into no commit. */
const MARKS = Array.from({ length: 32 }, (_, bit) => (1 << bit) >>> 0)

/**
 * Yields the frames of a log, including those of earlier logs, in the order of the file; each is valid until
 * the next one is requested.
 */
export async function* readFrames(
  file: FileHandle,
  { pageSize, bigEndian }: Pick<LogFormat, 'pageSize' | 'bigEndian'>,
): AsyncGenerator<Frame> {
  const stride = FRAME_HEADER + pageSize
  const block = Buffer.alloc(stride * Math.max(1, Math.floor(BLOCK / stride)))
  for (let number = 1; ; ) {
    const { bytesRead } = await file.read(block, 0, block.length, HEADER + (number - 1) * stride)
    for (let at = 0; at + stride <= bytesRead; at += stride, number++) {
      yield new Frame(number, block.subarray(at, at + stride), bigEndian)
    }
    if (bytesRead < block.length) return
  }
}

/** Reads the format of a -wal; undefined when it has no frame, or nothing recognizable. */
export async function readLogFormat(file: FileHandle): Promise<LogFormat | undefined> {
  const header = await readHeader(file)
  if (header.length < HEADER) return undefined
  const bigEndian = (header.readUInt32BE(0) & 1) === 1
  const pageSize = header.readUInt32BE(8)
  const checksum: Checksum = [header.readUInt32BE(24), header.readUInt32BE(28)]
  const sound =
    (header.readUInt32BE(0) & ~1) === MAGIC &&
    header.readUInt32BE(4) === VERSION &&
    PAGE_SIZES.includes(pageSize) &&
    equal(addToChecksum([0, 0], header.subarray(0, 24), bigEndian), checksum)
  return sound
    ? { pageSize, bigEndian, checksum, salts: header.toString('hex', 16, 24), sound }
    : inferFormat(file, header)
}

/** Infers the format of a log with a damaged header from frames that continue it or one another. */
async function inferFormat(file: FileHandle, header: Buffer): Promise<LogFormat | undefined> {
  const stored: Checksum = [header.readUInt32BE(24), header.readUInt32BE(28)]
  for (const pageSize of PAGE_SIZES) {
    for (const bigEndian of [false, true]) {
      for (const checksum of [stored, addToChecksum([0, 0], header.subarray(0, 24), bigEndian)]) {
        const salts = await saltsOfFirstPair(file, { pageSize, bigEndian, checksum })
        if (salts !== undefined) return { pageSize, bigEndian, checksum, salts, sound: false }
      }
    }
  }
  return undefined
}

/** Returns the salts of the first frame that continues the header, or the frame before it. */
async function saltsOfFirstPair(
  file: FileHandle,
  format: Pick<LogFormat, 'pageSize' | 'bigEndian' | 'checksum'>,
): Promise<string | undefined> {
  let before = { salts: '', checksum: format.checksum }
  for await (const frame of readFrames(file, format)) {
    const { number, salts, checksum } = frame
    if (frame.continues(before.checksum) && (number === 1 || salts === before.salts)) return salts
    if (number === MOST_TRIED) return undefined
    before = { salts, checksum }
  }
  return undefined
}

/** The number of frames to try before giving up on a damaged header. */
const MOST_TRIED = 16

/** Builds the header of a log, with its own checksum. */
export function writeLogHeader({ pageSize, bigEndian, salts }: LogFormat): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt32BE(bigEndian ? MAGIC + 1 : MAGIC, 0)
  header.writeUInt32BE(VERSION, 4)
  header.writeUInt32BE(pageSize, 8)
  header.write(salts, 16, 'hex')
  const [first, second] = addToChecksum([0, 0], header.subarray(0, 24), bigEndian)
  header.writeUInt32BE(first, 24)
  header.writeUInt32BE(second, 28)
  return header
}

async function readHeader(file: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER), 0, HEADER, 0)
  return buffer.subarray(0, bytesRead)
}

const equal = ([a, b]: Checksum, [c, d]: Checksum) => a === c && b === d

/** Continues SQLite's checksum `sum` over bytes, in multiples of 8. */
export function addToChecksum([first, second]: Checksum, bytes: Buffer, bigEndian: boolean): Checksum {
  const words = wordsOf(bytes, bigEndian)
  let a = first | 0
  let b = second | 0
  for (let at = 0; at < words.length; at += 2) {
    a = (a + (words[at] as number) + b) | 0
    b = (b + (words[at + 1] as number) + a) | 0
  }
  return [a >>> 0, b >>> 0]
}

/** Reads bytes as 32-bit numbers; makes no copy when the machine uses the same byte order. */
function wordsOf(bytes: Buffer, bigEndian: boolean): Uint32Array {
  const { buffer, byteOffset, length } = bytes
  if (bigEndian === BIG_ENDIAN && byteOffset % 4 === 0) return new Uint32Array(buffer, byteOffset, length / 4)
  const view = new DataView(buffer, byteOffset, length)
  return Uint32Array.from({ length: length / 4 }, (_, index) => view.getUint32(index * 4, !bigEndian))
}

const BIG_ENDIAN = endianness() === 'BE'
