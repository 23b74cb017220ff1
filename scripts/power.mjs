// Tests what a power cut leaves of a database. Each operation runs once under strace; its writes, names and
// fsyncs determine the states in which a power cut could leave the disk at any moment: what was synced is
// there, and of everything else any part, in any order. Each state is written into a folder and examined: is
// it as before or as after, does a key that is there open it, and once the program has reported success, is
// the operation complete? Linux; needs strace.
//
//   node scripts/power.mjs                     about 150 states of each operation and journal mode
//   node scripts/power.mjs --states 1000       this many
//   node scripts/power.mjs --sample 150        this many in total, of four operations
//   node scripts/power.mjs --only rekey        the operations whose name has this prefix
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureBuild, ensurePackages } from './ensure.mjs'

ensurePackages()
ensureBuild()
const { judge, read } = await import('./power/judge.mjs')
const { KEYS, OPERATIONS } = await import('./power/operations.mjs')
const { record } = await import('./power/record.mjs')
const { statesOf } = await import('./power/states.mjs')

const { values: options } = parseArgs({
  options: {
    states: { type: 'string', default: '150' },
    sample: { type: 'string' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const program = join(import.meta.dirname, '..', 'dist', 'cli', 'libreollama-db.js')
const scratch = mkdtempSync(join(tmpdir(), 'libreollama-db-power-'))

if (spawnSync('strace', ['-V']).status !== 0) {
  console.error('strace is missing: sudo apt install strace')
  process.exit(2)
}

/**
 * One thread, so that the calls of a process are sequential. Hides the environment of the user who runs this.
 */
const environment = { PATH: process.env.PATH, HOME: '/nonexistent', UV_THREADPOOL_SIZE: '1' }

/** The operations of a sample, each in one journal mode. */
const SAMPLED = {
  'init, new key and folders': 'wal',
  'setting set': 'delete',
  'rekey, key written just now': 'wal',
  'backup, no hard links': 'wal',
}

function run(words) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], { env: environment })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.stdout.resume()
    child.stdin.end()
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${words.join(' ')}: ${stderr}`)),
    )
  })
}

/** Starts another process that reads an old state of the database while the operation runs. */
async function reading(path) {
  const script = `
    import { withHandle } from ${JSON.stringify(join(import.meta.dirname, 'power', 'look.mjs'))}
    await withHandle(${JSON.stringify(path)}, { key: '${KEYS.one}' }, async ({ exec, all }) => {
      await exec("UPDATE agents SET name = 'Ada L.'")
      await all('PRAGMA wal_checkpoint(PASSIVE)') // then this reader keeps others from making one
      await exec('BEGIN')
      await all('SELECT count(*) FROM agents')
      console.log('reading')
      await new Promise((resolve) => process.stdin.on('end', resolve).resume())
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return async () => {
    child.stdin.end()
    await new Promise((resolve) => child.once('close', resolve))
  }
}

/** Runs an operation once, and returns it with the states before and after it. */
async function rehearse(name, mode) {
  const operation = OPERATIONS[name]
  const folder = mkdtempSync(join(scratch, 'run-'))
  const before = mkdtempSync(join(scratch, 'before-'))
  await operation.make(folder, mode, run)
  const stop = operation.reader ? await reading(join(folder, 'c.db')) : undefined
  cpSync(folder, before, { recursive: true })
  const command = [process.execPath, program, ...operation.words(folder)]
  const log = join(scratch, 'calls')
  const { code, stderr, events } = await record(folder, command, {
    environment,
    log,
    inject: operation.inject,
  })
  if (!(operation.codes ?? [0]).includes(code)) throw new Error(`${name} fails without any cut: ${stderr}`)
  const after = mkdtempSync(join(scratch, 'after-'))
  cpSync(folder, after, { recursive: true })
  await stop?.()
  return { name, mode, operation, events, before, after }
}

/** Tries this many states of one operation in one journal mode; returns the figures and the failures. */
async function tryOperation(name, mode, wanted) {
  const rehearsed = await rehearse(name, mode)
  const { operation, events, before, after } = rehearsed
  rehearsed.references = {
    before: await read(before, operation.before, scratch),
    after: await read(after, operation.after, scratch),
  }
  for (const side of ['before', 'after'])
    if (operation[side] && !rehearsed.references[side])
      throw new Error(`${name}: nothing opens the database ${side} it`)
  const figure = { states: 0, acknowledged: 0, wrong: [] }
  const { unsettled } = operation
  for (const state of statesOf(events, { folder: before, unsettled, wanted, seed: Number(options.seed) })) {
    figure.states++
    if (state.said) figure.acknowledged++
    const words = await judge(rehearsed, state, scratch)
    if (words)
      figure.wrong.push(`${name}, ${mode}, power cut at call ${state.moment} of ${events.length}: ${words}`)
  }
  for (const folder of [before, after]) rmSync(folder, { recursive: true, force: true })
  return figure
}

try {
  const chosen = Object.keys(OPERATIONS)
    .filter((name) => (options.sample ? name in SAMPLED : name.startsWith(options.only)))
    .flatMap((name) => {
      const modes = options.sample ? [SAMPLED[name]] : (OPERATIONS[name].modes ?? ['wal', 'delete'])
      return modes.map((mode) => ({ name, mode }))
    })
  const wanted = options.sample
    ? Math.ceil(Number(options.sample) / Object.keys(SAMPLED).length)
    : Number(options.states)
  const figures = []
  for (const { name, mode } of chosen) {
    const figure = await tryOperation(name, mode, wanted)
    figures.push({ name, mode, ...figure })
    if (options.json) continue
    for (const words of figure.wrong) console.log(`! ${words}`)
    const { states, acknowledged, wrong } = figure
    console.log(
      `${name.padEnd(28)} ${mode.padEnd(6)} ${String(states).padStart(5)} states  ${String(acknowledged).padStart(3)} acknowledged  ${wrong.length} wrong`,
    )
  }
  const wrong = figures.flatMap((figure) => figure.wrong)
  const sum = (what) => figures.reduce((total, figure) => total + figure[what], 0)
  const operations = new Set(figures.map(({ name }) => name)).size
  const total = { operations, states: sum('states'), acknowledged: sum('acknowledged'), wrong: wrong.length }
  if (options.json) console.log(JSON.stringify({ total, figures, wrong }))
  else console.log(`${total.states} states of ${operations} operations: ${wrong.length} wrong`)
  process.exitCode = wrong.length > 0 || total.states === 0 ? 1 : 0
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
