import { spawn, spawnSync } from 'node:child_process'
import { cleanEnvironment, finished, PROGRAM, type Run } from './run.ts'

const hasStrace = spawnSync('strace', ['-V']).status === 0

/**
 * Tests that need strace (a Debian package), skipped where it is missing; the reason belongs into their
 * names.
 */
export const testWithStrace = hasStrace ? test : test.skip
export const NEEDS_STRACE = hasStrace ? '' : ' (needs strace)'

/**
 * Runs the built program with a fault at some of its system calls: `{ link: 'error=EPERM' }`; with `path`,
 * only calls on that file or folder count. One worker thread, so that the n-th call is the same in every run.
 */
export function runWithFaults(words: string[], faults: Record<string, string>, path?: string): Promise<Run> {
  const injected = Object.entries(faults).flatMap(([calls, fault]) => ['-e', `inject=${calls}:${fault}`])
  const traced = ['-e', `trace=${Object.keys(faults).join(',')}`, ...injected]
  const only = path === undefined ? [] : ['-P', path]
  const env = { ...cleanEnvironment(), UV_THREADPOOL_SIZE: '1' }
  const strace = ['-f', '-qq', '-o', '/dev/null', ...only, ...traced, process.execPath, PROGRAM]
  return finished(spawn('strace', [...strace, ...words], { env }))
}
