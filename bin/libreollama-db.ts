#!/usr/bin/env node
import type { Host } from '../src/cli/host.ts'
import { AppError, exitCodeOf } from '../src/core/errors.ts'
import { main, reportUncaught } from './main.ts'

// Everything created from here on is accessible to its owner alone.
process.umask(0o077)

/**
 * True when the terminal of this process is gone, as shown by SIGHUP or by an error of reading or writing.
 */
let isHungUp = false

// Each stream takes milliseconds to set up, so it is created on first use.
const host: Host = {
  get stdin() {
    return watched(process.stdin)
  },
  get stdout() {
    return watched(process.stdout)
  },
  get stderr() {
    return watched(process.stderr)
  },
  env: process.env,
  now: () => new Date(),
  signal: abortOnSignals(),
}

// The driver throws this outside of every promise, for a text that is longer than JavaScript can hold.
process.on('uncaughtException', (error) => {
  reportUncaught(error, process.argv.slice(2), host).then((code) => process.exit(code))
})

main(process.argv.slice(2), host).then((code) => {
  process.exitCode = code
  endWithTerminal()
})

/**
 * Aborts on the first signal, so that the work stops cleanly; a second signal, or two seconds, ends the
 * process.
 */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const [name, code, words] of [
    ['SIGINT', 'SIGINT', 'interrupted'],
    ['SIGTERM', 'SIGTERM', 'terminated'],
    ['SIGHUP', 'SIGINT', 'interrupted: the terminal was closed'],
  ] as const) {
    process.on(name, () => {
      isHungUp ||= name === 'SIGHUP'
      if (controller.signal.aborted) end(exitCodeOf(code))
      controller.abort(
        new AppError(code, words, {
          hint: 'what was begun is undone, what was finished stays; run the command again',
        }),
      )
      setTimeout(() => end(exitCodeOf(code)), 2000).unref()
    })
  }
  return controller.signal
}

/**
 * Adds a listener for errors, which are reported to the code that writes or reads; without a listener the
 * error would end the process as well.
 */
function watched<T extends NodeJS.WriteStream | NodeJS.ReadStream>(stream: T): T {
  if (stream.listenerCount('error') === 0) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      isHungUp ||= Boolean(stream.isTTY) && error.code === 'EIO'
    })
  }
  return stream
}

function end(code: number): never {
  endWithTerminal()
  process.exit(code)
}

/**
 * Ends the process by a signal. On exit, Node restores the terminal, and crashes when the terminal is gone.
 */
function endWithTerminal(): void {
  if (!isHungUp) return
  process.removeAllListeners('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
}
