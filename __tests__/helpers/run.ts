import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'
import { programForAll } from './program-for-all.ts'
import { tryHints } from './try-hints.ts'

export const PROGRAM = join(packageRoot(), 'dist', 'cli', 'libreollama-db.js')

export interface Run {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  input?: string | Buffer
  cwd?: string
  program?: string
  /** Run as this user, which only root may ask for. */
  uid?: number
}

/**
 * For tests in which permissions matter: root ignores them, so root runs the program as `nobody`, who cannot
 * enter every place in which a clone may lie, and so runs a copy of it.
 */
export const ordinaryUser: Pick<RunOptions, 'uid'> = process.getuid?.() === 0 ? { uid: 65534 } : {}

/** An environment in which nothing of the person who runs the tests is seen. */
export function cleanEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: '/nonexistent',
    XDG_RUNTIME_DIR: '/nonexistent',
    TERM: 'xterm',
    ...extra,
  }
}

/** Starts the built program; its output is collected by `finished`. */
export function start(words: string[], { env, cwd, uid, program = PROGRAM }: RunOptions = {}): ChildProcess {
  if (!existsSync(program)) throw new Error('the program is not built: run npm test, which builds it')
  const [node, script] =
    uid === undefined || program !== PROGRAM ? [process.execPath, program] : programForAll()
  return spawn(node, [script, ...words], { cwd, uid, env: cleanEnvironment(env) })
}

export async function finished(child: ChildProcess, input: string | Buffer = ''): Promise<Run> {
  const run: Run = { code: null, stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    run.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    run.stderr += text
  })
  child.stdin?.on('error', () => {}) // a program that never reads its input
  child.stdin?.end(input)
  run.code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  return run
}

/** Runs the built program to its end. */
export async function run(words: string[], options: RunOptions = {}): Promise<Run> {
  const result = await finished(start(words, options), options.input)
  if (options.uid === undefined) await tryHints({ words, ...options, result }, runOnce)
  return result
}

const runOnce = (words: string[], options: RunOptions) => finished(start(words, options), options.input)

/** The error line of a run with --json, after making sure that there is nothing else. */
export function errorOf(result: Run): { code: string; exit: number; message: string; hint: string } {
  expect(result.stdout).toBe('')
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
  const { error } = JSON.parse(result.stderr)
  expect(result.code).toBe(error.exit)
  expect(error.hint).toMatch(/\S/)
  expect(result.stderr).not.toMatch(/\bat .*:\d+:\d+/) // no stack trace
  return error
}
