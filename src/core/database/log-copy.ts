import { type FileHandle, open } from 'node:fs/promises'
import {
  addToChecksum,
  type Checksum,
  FRAME_HEADER,
  type Frame,
  type LogFormat,
  readFrames,
  readLogFormat,
  writeLogHeader,
} from '../files/write-ahead-log.ts'

/** Selects the frames of a log to write to a file. */
export interface FrameChoice {
  /** The first frame of those at the end that are all left out, counted from 1. */
  until: number
  keep: (frame: Frame) => boolean
  /** Called with each page whose newest version was left out. */
  onLost: (page: number) => void
}

/** Writes a log of the selected frames, whose checksums continue one another again. */
export async function copyLog(from: string, to: string, { until, keep, onLost }: FrameChoice): Promise<void> {
  const source = await open(from)
  try {
    const format = await readLogFormat(source)
    if (!format) return
    const last = await lastOfLog(source, format)
    const target = await open(to, 'wx', 0o600)
    try {
      const writer = new LogWriter(format, (bytes) => target.writeFile(bytes))
      await writer.begin()
      const lost = new Set<number>()
      for await (const frame of readFrames(source, format)) {
        if (frame.number >= until || frame.number > last) break
        const kept = keep(frame)
        if (kept) await writer.add(frame)
        else writer.skip(frame)
        if (kept) lost.delete(frame.page)
        else lost.add(frame.page)
      }
      await writer.end()
      for (const page of lost) onLost(page)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** Returns the number of the last frame of this log: an earlier log left the frames after it. */
async function lastOfLog(file: FileHandle, format: LogFormat): Promise<number> {
  let last = 0
  for await (const { number, salts } of readFrames(file, format)) if (salts === format.salts) last = number
  return last
}

class LogWriter {
  readonly #format: LogFormat
  readonly #write: (bytes: Buffer) => Promise<unknown>
  #checksum: Checksum = [0, 0]
  /** The next frame to write; it inherits the commit mark of a commit whose own frame is left out. */
  #waiting: { page: number; commit: number; content: Buffer } | undefined

  constructor(format: LogFormat, write: (bytes: Buffer) => Promise<unknown>) {
    this.#format = format
    this.#write = write
  }

  async begin(): Promise<void> {
    const header = writeLogHeader(this.#format)
    this.#checksum = [header.readUInt32BE(24), header.readUInt32BE(28)]
    await this.#write(header)
  }

  async add({ page, commit, content }: Frame): Promise<void> {
    await this.#flush()
    this.#waiting = { page, commit, content: Buffer.from(content) }
  }

  skip({ commit }: Frame): void {
    if (commit > 0 && this.#waiting) this.#waiting.commit = commit
  }

  async end(): Promise<void> {
    await this.#flush()
  }

  async #flush(): Promise<void> {
    if (!this.#waiting) return
    const { page, commit, content } = this.#waiting
    const head = Buffer.alloc(FRAME_HEADER)
    head.writeUInt32BE(page, 0)
    head.writeUInt32BE(commit, 4)
    head.write(this.#format.salts, 8, 'hex')
    const { bigEndian } = this.#format
    this.#checksum = addToChecksum(
      addToChecksum(this.#checksum, head.subarray(0, 8), bigEndian),
      content,
      bigEndian,
    )
    head.writeUInt32BE(this.#checksum[0], 16)
    head.writeUInt32BE(this.#checksum[1], 20)
    await this.#write(Buffer.concat([head, content]))
    this.#waiting = undefined
  }
}
