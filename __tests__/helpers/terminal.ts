import { spawn, spawnSync } from 'node:child_process'
import { cleanEnvironment, PROGRAM } from './run.ts'

/** Whether `script`, which lends a pseudo-terminal, is the one of util-linux. */
export const hasPseudoTerminal =
  spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') ?? false

/**
 * A test that needs a pseudo-terminal; where there is none it is shown as skipped, with the reason in its
 * name.
 */
export const testOnTerminal = hasPseudoTerminal
  ? test
  : (name: string, _work: () => Promise<void>) =>
      test.skip(`${name} (needs script from util-linux)`, () => {})

export interface TerminalRun {
  code: number | null
  /** Everything that the terminal showed, control sequences included. */
  screen: string
}

export const ENTER = '\r'
export const CTRL_C = '\x03'
export const CTRL_D = '\x04'
export const DOWN = '\x1b[B'

/** Runs the program on a pseudo-terminal and types each answer when its question has appeared. */
export async function onTerminal(
  words: string[],
  answers: [question: RegExp, typed: string][],
  env: Record<string, string> = {},
): Promise<TerminalRun> {
  const command = [process.execPath, PROGRAM, ...words]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: cleanEnvironment({ SHELL: '/bin/sh', ...env }),
  })
  const waiting = [...answers]
  let screen = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    const [next] = waiting
    if (!next?.[0].test(screen.slice(seen))) return
    waiting.shift()
    seen = screen.length
    setTimeout(() => child.stdin.write(next[1]), 100)
  })
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  )
  if (waiting.length > 0) throw new Error(`never asked: ${waiting[0]?.[0]}\n${screen}`)
  return { code, screen }
}
