import { Readable, Writable } from 'node:stream'
import { main } from '../../bin/main.ts'
import { cleanEnvironment, type Run } from './run.ts'

export interface HereOptions {
  env?: Record<string, string>
  input?: string | Buffer
}

/** A stream that keeps what is written to it. */
class Collector extends Writable {
  text = ''

  constructor() {
    super({ decodeStrings: false, defaultEncoding: 'utf8' })
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8')
    done()
  }
}

/**
 * Runs a command line in this process, which takes a tenth of the time of starting the program. What belongs to a
 * process of its own (its working folder, its signals, its umask, the time zone) needs `run`.
 */
export async function runHere(words: string[], { env, input = '' }: HereOptions = {}): Promise<Run> {
  const stdout = new Collector()
  const stderr = new Collector()
  const code = await main(words, {
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    env: cleanEnvironment(env),
    now: () => new Date(),
    signal: new AbortController().signal,
  })
  return { code, stdout: stdout.text, stderr: stderr.text }
}
