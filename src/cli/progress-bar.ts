import type { Progress } from '../core/progress.ts'
import type { Output } from './host.ts'
import { humanBytes } from './terminal.ts'

const WIDTH = 24
/** Milliseconds: what is done sooner shows no bar, and no bar is drawn more often. */
const PATIENCE = 300
const INTERVAL = 100

/** One line on a terminal that tells how far a long operation is; elsewhere nothing. */
export class ProgressBar {
  readonly #stream: Output
  readonly #wanted: boolean
  #began: number | undefined
  #drawn = 0

  constructor(stream: Output, wanted: boolean) {
    this.#stream = stream
    this.#wanted = wanted
  }

  show({ phase, part, bytes }: Progress): void {
    if (!this.#wanted || !this.#stream.isTTY) return
    const now = Date.now()
    this.#began ??= now
    if (now - this.#began < PATIENCE || now - this.#drawn < INTERVAL) return
    this.#drawn = now
    const seconds = (now - this.#began) / 1000
    const rate = bytes === undefined ? '' : `  ${humanBytes(bytes / seconds)}/s`
    const left = part && bytes !== undefined ? `  ${Math.ceil(seconds / part - seconds)} s left` : ''
    this.#stream.write(`\r\x1b[K${phase.padEnd(9)} ${part === undefined ? '' : bar(part)}${rate}${left}`)
  }

  /** Takes the line away, so that other text can be written. */
  clear(): void {
    if (this.#drawn > 0) this.#stream.write('\r\x1b[K')
    this.#drawn = 0
    this.#began = undefined
  }
}

function bar(part: number): string {
  const full = Math.round(part * WIDTH)
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${`${Math.round(part * 100)}`.padStart(3)} %`
}
