#!/usr/bin/env node
import { constants } from 'node:os'
import type { Host } from '../src/cli/host.ts'
import { AppError, exitCodeOf } from '../src/core/errors.ts'
import { main } from './main.ts'

// Everything that is made from here on is for its owner alone.
process.umask(0o077)

// Each stream costs milliseconds to set up, so it is when it is first used.
const host: Host = {
  get stdin() {
    return process.stdin
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

main(process.argv.slice(2), host).then((code) => {
  process.exitCode = code
})

/** The first signal lets the work stop in good order; a second one, or two seconds, ends the process. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const exit = 128 + constants.signals[name]
      if (controller.signal.aborted) process.exit(exit)
      const words = name === 'SIGINT' ? 'interrupted' : 'terminated'
      controller.abort(
        new AppError(name, words, {
          hint: 'what was begun is undone, what was finished stays; run the command again',
        }),
      )
      setTimeout(() => process.exit(exitCodeOf(name)), 2000).unref()
    })
  }
  return controller.signal
}

/** A failed write is told to whoever wrote (see `write`); without a listener the stream would end the process as well. */
function watched(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  if (stream.listenerCount('error') === 0) stream.on('error', () => {})
  return stream
}
