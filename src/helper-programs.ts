import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Hint } from './core/advice.ts'
import type { Inspect, Inspection } from './core/copy/inspect.ts'
import { AppError, type OutcomeCode } from './core/errors.ts'
import { type Keychain, keychainError } from './core/keys/keychain.ts'
import { packageRoot } from './package-root.ts'

/**
 * A line of output of the programs beside the main one: each reads one JSON request from its standard input,
 * which may carry a key (other users can see the arguments and the environment of a process), and answers in
 * lines of JSON.
 */
type Line =
  | { part: number }
  | { answer: unknown }
  | { error: { code: OutcomeCode; message: string; hint: Hint } }
  | { defect: { message: string; stack: string | undefined } }

/** Inspects a file in a process of its own. The key of the request has to be a raw one. */
export const inspectElsewhere: Inspect = async ({ path, key }, options = {}) => {
  const request = { path, key: await key.literal(Buffer.alloc(0)) }
  return (await ask('inspector', request, options)) as Inspection
}

/** Returns the keychain of the operating system, with a time limit in milliseconds for each call. */
export function systemKeychain(env: NodeJS.ProcessEnv, patience: number): Keychain {
  const call = async (action: 'get' | 'set' | 'delete', salt: Buffer, key?: string) => {
    const request = { action, account: salt.toString('hex'), key }
    return ask('keychain', request, { env, patience }).catch((error) => {
      throw error instanceof TimeLimit ? keychainError(`did not answer within ${patience / 1000} s`) : error
    })
  }
  return {
    get: async (salt) => (await call('get', salt)) as string | null,
    set: async (salt, key) => {
      await call('set', salt, key)
    },
    delete: async (salt) => (await call('delete', salt)) as boolean,
  }
}

interface AskOptions {
  env?: NodeJS.ProcessEnv
  signal?: AbortSignal
  /** Milliseconds. */
  patience?: number
  onPart?: (part: number) => void
}

class TimeLimit extends Error {}

async function ask(program: string, request: object, options: AskOptions): Promise<unknown> {
  const { LIBREOLLAMA_DB_KEY: _withheld, ...env } = options.env ?? process.env
  const script = join(packageRoot(), 'dist', 'cli', `${program}.js`)
  const child = spawn(process.execPath, [script], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const stop = () => child.kill('SIGKILL')
  options.signal?.addEventListener('abort', stop)
  let late = false
  const timer = options.patience
    ? setTimeout(() => {
        late = true
        stop()
      }, options.patience)
    : undefined
  try {
    const closed = new Promise<number | NodeJS.Signals | null>((resolve, reject) =>
      child.once('error', reject).once('close', (code, signal) => resolve(signal ?? code)),
    )
    child.stdin.on('error', () => {}) // it may end before it has read everything; then it reports why
    child.stdin.end(JSON.stringify(request))
    const last = await lastLine(child.stdout.setEncoding('utf8'), options.onPart)
    const end = await closed
    options.signal?.throwIfAborted()
    if (late) throw new TimeLimit()
    if (last && 'error' in last) throw new AppError(last.error.code, last.error.message, last.error)
    if (last && 'defect' in last) throw Object.assign(new Error(last.defect.message), last.defect)
    if (last && 'answer' in last) return last.answer
    if (typeof end === 'string') throw endedBy(program, end)
    throw new Error(`the ${program} ended with ${end} and no answer`)
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', stop)
  }
}

function endedBy(program: string, signal: NodeJS.Signals): AppError {
  return new AppError('FAILURE', `the process that does the work of the ${program} was ended by ${signal}`, {
    hint: 'nothing was changed: run the command again; free -h shows whether the memory was used up',
  })
}

async function lastLine(
  output: AsyncIterable<string>,
  onPart?: (part: number) => void,
): Promise<Line | undefined> {
  let text = ''
  let last: Line | undefined
  for await (const chunk of output) {
    const lines = (text + chunk).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      const heard = JSON.parse(line) as Line
      if ('part' in heard) onPart?.(heard.part)
      else last = heard
    }
  }
  return last
}

/** Answers one request, on the side of the helper program, and ends. */
export async function answerOne<Request>(
  work: (request: Request, onPart: (part: number) => void) => Promise<unknown>,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const say = (line: Line) => process.stdout.write(`${JSON.stringify(line)}\n`)
  try {
    const request = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Request
    say({ answer: await work(request, (part) => say({ part })) })
  } catch (error) {
    if (error instanceof AppError)
      say({ error: { code: error.code, message: error.message, hint: error.advice } })
    // Reported by the parent: Node would print the message, which may contain data, to the terminal
    // unescaped.
    else if (error instanceof Error) say({ defect: { message: error.message, stack: error.stack } })
    else throw error
  }
}
