// Runs the program under test, by itself or with the interceptor that makes one of its calls fail.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { scratch } from './scratch.mjs'

const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'libreollama-db.js')
const interceptor = join(scratch, 'intercept.so')

/**
 * One thread, so that the n-th call is the same in every run. Hides the environment of the user who runs
 * this.
 */
const environment = { PATH: process.env.PATH, HOME: '/nonexistent', UV_THREADPOOL_SIZE: '1' }

/** Milliseconds after which a run counts as hanging. */
const PATIENCE = 60_000

/** Compiles the interceptor; returns what is missing for it, in words, or undefined. */
export function prepareInterceptor() {
  if (process.platform !== 'linux') return 'faults are injected on Linux only'
  const source = join(import.meta.dirname, 'intercept.c')
  const { status, error, stderr } = spawnSync(
    process.env.CC ?? 'cc',
    ['-shared', '-fPIC', '-O1', '-o', interceptor, source, '-ldl'],
    { encoding: 'utf8' },
  )
  if (error) return 'a C compiler is missing: sudo apt install gcc'
  return status === 0 ? undefined : `intercept.c does not compile: ${stderr}`
}

/**
 * Runs a command line. Resolves to its exit code, whether it was killed, and its output; `late` when it hung
 * and had to be ended.
 */
export function run(words, more = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { env: { ...environment, ...more } })
    let stdout = ''
    let stderr = ''
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, PATIENCE)
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    child.stdin.end()
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, killed: signal === 'SIGKILL' && !late, late, stdout, stderr })
    })
  })
}

let runs = 0

/**
 * The state that the interceptor shares with the program: two numbers, the kind of the intercepted call, and
 * its path.
 */
const STATE = { calls: 0, hit: 4, kind: 8, path: 36, size: 36 + 4096 }

async function intercepted(words, folder, more) {
  const file = join(scratch, `state-${runs++}`)
  writeFileSync(file, Buffer.alloc(STATE.size))
  try {
    const result = await run(words, {
      LD_PRELOAD: interceptor,
      FAULTS_FOLDER: folder,
      FAULTS_STATE: file,
      ...more,
    })
    const state = readFileSync(file)
    const text = (from, to) => state.subarray(from, to).toString('utf8').replace(/\0.*$/s, '')
    const hit = state.readUInt32LE(STATE.hit) > 0
    return {
      ...result,
      hit: hit ? { kind: text(STATE.kind, STATE.path), path: text(STATE.path, STATE.size) } : undefined,
    }
  } finally {
    rmSync(file)
  }
}

/** Runs a command line and lists its calls on files in a folder, in order: `{ kind, path }`. */
export async function record(words, folder, more = {}) {
  const log = join(scratch, `log-${runs++}`)
  const result = await intercepted(words, folder, { ...more, FAULTS_LOG: log })
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []
  rmSync(log, { force: true })
  const calls = []
  for (const line of lines) {
    const [, n, kind, path] = /^(\d+) (\w+) (.*)$/s.exec(line) ?? []
    if (n !== undefined) calls[Number(n) - 1] = { kind, path }
  }
  return { ...result, calls }
}

/**
 * Runs a command line with a fault at the n-th of these calls; `hit` is the affected call, if there was one.
 */
export function runWithFault(words, folder, { n, fault }, more = {}) {
  const stays = fault.endsWith('+')
  const name = fault.replace('+', '')
  return intercepted(words, folder, {
    ...more,
    FAULTS_AT: String(n),
    FAULTS_ERROR: name === 'kill' ? '0' : String(constants.errno[name]),
    ...(stays ? { FAULTS_STAY: '1' } : {}),
  })
}
