import type { Progress } from '../core/progress.ts'
import { humanBytes, type Output, safeLine } from './terminal.ts'

const WIDTH = 24
/**
 * Milliseconds: a shorter operation shows no bar, no bar is drawn more often, and the speed is that of the
 * last seconds.
 */
const PATIENCE = 300
const INTERVAL = 100
const RECENT = 5000

/** Shows the progress of a long operation on one line of a terminal; elsewhere nothing. */
export class ProgressBar {
  readonly #host: { readonly stderr: Output }
  readonly #wanted: boolean
  #phase = ''
  /** The progress at some times in the last seconds, oldest first. */
  #recent: { at: number; part: number | undefined; bytes: number | undefined }[] = []
  #began = 0
  #drawn = 0
  /** The last progress shown, until there is a newer one. */
  #last: Progress | undefined
  /** The number of open questions in place of the line. */
  #held = 0

  /**
   * The host's stream is accessed only when there is something to show, since Node creates it on first
   * access.
   */
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
    // A line that wraps could not be cleared again.
    const line = `${safeLine(phase).padEnd(9)} ${safeLine(done)}`.slice(
      0,
      (this.#host.stderr.columns || 80) - 1,
    )
    this.#host.stderr.write(`\r\x1b[K${line}`)
  }

  get #isVisible(): boolean {
    return this.#wanted && Boolean(this.#host.stderr.isTTY)
  }

  /** Shows `progress`, or later updates, with the elapsed time, until `work` has ended. */
  async during<T>(progress: Progress, work: () => Promise<T>): Promise<T> {
    if (!this.#isVisible) return work()
    this.show(progress)
    const timer = setInterval(() => this.show(this.#last ?? progress), INTERVAL)
    return work().finally(() => clearInterval(timer))
  }

  /** Hides the line while `work`, which asks something, uses the terminal. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    this.clear()
    this.#held++
    return work().finally(() => this.#held--)
  }

  /** Clears the line, so that other text can be written. */
  clear(): void {
    if (this.#drawn > 0) this.#host.stderr.write('\r\x1b[K')
    this.#recent = []
    this.#phase = ''
    this.#began = 0
    this.#drawn = 0
  }

  /** Formats the bytes per second and the remaining time, estimated from the last seconds. */
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

/** Formats a duration: `12 s`, `3 min 05 s`, `1 h 20 min`. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  const two = (number: number) => String(number).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}
