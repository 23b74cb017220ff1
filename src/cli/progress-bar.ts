import type { Progress } from '../core/progress.ts'
import { humanBytes, type Output, safeLine } from './terminal.ts'

const WIDTH = 24
/**
 * Milliseconds: what is done sooner shows no bar, no bar is drawn more often, and speed is that of the last
 * seconds.
 */
const PATIENCE = 300
const INTERVAL = 100
const RECENT = 5000

/** One line on a terminal that tells how far a long operation is; elsewhere nothing. */
export class ProgressBar {
  readonly #host: { readonly stderr: Output }
  readonly #wanted: boolean
  #phase = ''
  /** How far it was at some moments of the last seconds, the oldest first. */
  #recent: { at: number; part: number | undefined; bytes: number | undefined }[] = []
  #began = 0
  #drawn = 0
  /** What was shown last, for as long as nothing newer is known. */
  #last: Progress | undefined
  /** How many questions stand where the line would be. */
  #held = 0

  /** The stream of the host is looked at only when there is something to show: Node makes it then. */
  constructor(host: { readonly stderr: Output }, wanted: boolean) {
    this.#host = host
    this.#wanted = wanted
  }

  show(progress: Progress): void {
    this.#last = progress
    if (!this.#isVisible || this.#held > 0) return
    const { phase, part, bytes, step } = progress
    const at = Date.now()
    if (phase !== this.#phase) {
      this.#recent = []
      this.#phase = phase
      this.#began ||= at
    }
    if (this.#recent.length > 0 && at - this.#drawn < INTERVAL) return
    this.#recent.push({ at, part, bytes })
    while (at - (this.#recent[1]?.at ?? at) > RECENT) this.#recent.shift()
    if (at - this.#began < PATIENCE) return
    this.#drawn = at
    const done =
      part === undefined ? `${step ?? ''}  ${duration((at - this.#began) / 1000)}` : bar(part) + this.#speed()
    // A line that wraps could not be taken away again.
    const line = `${safeLine(phase).padEnd(9)} ${safeLine(done)}`.slice(
      0,
      (this.#host.stderr.columns || 80) - 1,
    )
    this.#host.stderr.write(`\r\x1b[K${line}`)
  }

  get #isVisible(): boolean {
    return this.#wanted && Boolean(this.#host.stderr.isTTY)
  }

  /** Shows `progress`, or what is known later, with the time that has passed, until `work` has ended. */
  async during<T>(progress: Progress, work: () => Promise<T>): Promise<T> {
    if (!this.#isVisible) return work()
    this.show(progress)
    const timer = setInterval(() => this.show(this.#last ?? progress), INTERVAL)
    return work().finally(() => clearInterval(timer))
  }

  /** Keeps the line away while `work`, which asks something, has the terminal. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    this.clear()
    this.#held++
    return work().finally(() => this.#held--)
  }

  /** Takes the line away, so that other text can be written. */
  clear(): void {
    if (this.#drawn > 0) this.#host.stderr.write('\r\x1b[K')
    this.#recent = []
    this.#phase = ''
    this.#began = 0
    this.#drawn = 0
  }

  /** Bytes a second and the time that is left, as the last seconds make one expect. */
  #speed(): string {
    const [first, last] = [this.#recent[0], this.#recent.at(-1)]
    const seconds = ((last?.at ?? 0) - (first?.at ?? 0)) / 1000
    if (!first || !last || seconds <= 0) return ''
    const bytes = (last.bytes ?? 0) - (first.bytes ?? 0)
    const part = (last.part ?? 0) - (first.part ?? 0)
    const rate = last.bytes === undefined ? '' : `  ${humanBytes(Math.max(bytes / seconds, 0))}/s`
    return part > 0 ? `${rate}  ${duration((1 - (last.part ?? 0)) / (part / seconds))} left` : rate
  }
}

function bar(part: number): string {
  const full = Math.round(part * WIDTH)
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${`${Math.round(part * 100)}`.padStart(3)} %`
}

/** `12 s`, `3 min 05 s`, `1 h 20 min`. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  const two = (number: number) => String(number).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}
