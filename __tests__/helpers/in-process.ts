import { PassThrough, Readable, Writable } from 'node:stream'
import { main } from '../../bin/main.ts'
import type { Host } from '../../src/cli/host.ts'
import { cleanEnvironment, type Run } from './run.ts'
import { tryHints } from './try-hints.ts'

/** What the streams of a run are. */
export interface HostOptions {
  /** Both outputs are a terminal of 300 columns. */
  terminal?: boolean
  env?: Record<string, string>
  input?: string | Buffer
  /** Outputs that cannot be written: their disk is full. */
  full?: readonly ('stdout' | 'stderr')[]
}

/** A host whose output is captured. Its standard input is not a terminal, so nothing is asked. */
export function capturingHost({ terminal = false, env = {}, input = '', full = [] }: HostOptions): {
  host: Host
  written: { stdout: string; stderr: string }
} {
  const written = { stdout: '', stderr: '' }
  const output = (name: keyof typeof written) => {
    if (full.includes(name)) return fullOutput()
    const stream = new PassThrough().setEncoding('utf8').on('data', (text: string) => {
      written[name] += text
    })
    return Object.assign(stream, { isTTY: terminal, columns: 300 })
  }
  const host: Host = {
    stdin: Readable.from(input.length === 0 ? [] : [Buffer.from(input)]),
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: cleanEnvironment(env),
    now: () => new Date(),
    signal: new AbortController().signal,
  }
  return { host, written }
}

function fullOutput(): Writable {
  const error = Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' })
  return new Writable({ write: (_chunk, _encoding, done) => done(error) }).on('error', () => {})
}

/**
 * Runs a command line in this process, which takes a tenth of the time of starting the program. What belongs
 * to a process of its own (its working folder, its signals, its umask, the time zone) needs `run`.
 */
export async function runHere(words: string[], options: HostOptions = {}): Promise<Run> {
  const result = await runOnce(words, options)
  await tryHints({ words, env: options.env, result }, runOnce)
  return result
}

async function runOnce(words: string[], options: HostOptions): Promise<Run> {
  const { host, written } = capturingHost(options)
  const code = await main(words, host)
  return { code, ...written }
}
