#!/usr/bin/env node
import type { Host } from '../src/cli/host.ts'
import { AppError, exitCodeOf } from '../src/core/errors.ts'
import { main, reportUncaught } from './main.ts'

// Everything that is made from here on is for its owner alone.
process.umask(0o077)

/**
 * Whether the terminal of this process is gone, of which it is told by SIGHUP or by an error of reading or
 * writing.
 */
let isHungUp = false

// Each stream costs milliseconds to set up, so it is when it is first used.
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

// What the driver throws past every promise, for a text that is longer than JavaScript can hold.
process.on('uncaughtException', (error) => {
  reportUncaught(error, process.argv.slice(2), host).then((code) => process.exit(code))
})

main(process.argv.slice(2), host).then((code) => {
  process.exitCode = code
  endWithTerminal()
})

/** The first signal lets the work stop in good order; a second one, or two seconds, ends the process. */
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
 * A failure is told to whoever writes or reads; without a listener the stream would end the process as well.
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
 * Node puts the terminal back as it was when it exits, and crashes where that is gone; so the signal ends the
 * process.
 */
function endWithTerminal(): void {
  if (!isHungUp) return
  process.removeAllListeners('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
}
