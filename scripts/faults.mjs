// Tests what happens to a database when an operation is killed, or the disk fails, at each of its calls on
// files. Every operation runs with an interceptor (faults/intercept.c) that kills it, or makes a call fail,
// at the n-th call. After each such point: is the database exactly as before or exactly as after, does that
// agree with the exit code and the output, does a stored key open it, and does the same command, run again,
// complete and leave nothing unfinished? Linux; needs a C compiler.
//
//   node scripts/faults.mjs                    every point
//   node scripts/faults.mjs --sample 120       this many of them, spread evenly
//   node scripts/faults.mjs --only rekey       only operations with this prefix; several with commas
//   node scripts/faults.mjs --list             the number of points of each operation
//   node scripts/faults.mjs --json
import { availableParallelism, constants } from 'node:os'
import { parseArgs } from 'node:util'
import { ensureBuild, ensurePackages } from './ensure.mjs'

ensurePackages()
ensureBuild()
const { OPERATIONS } = await import('./faults/operations/index.mjs')
const { prepareInterceptor } = await import('./faults/program.mjs')
const { pointsOf, sampled } = await import('./faults/points.mjs')
const { removeScratch } = await import('./faults/scratch.mjs')
const { prepare, tryPoint } = await import('./faults/try-point.mjs')

const { values: options } = parseArgs({
  options: {
    sample: { type: 'string' },
    only: { type: 'string' },
    list: { type: 'boolean' },
    json: { type: 'boolean' },
  },
})

/** Processes a list in parallel, one item per processor. */
async function each(list, work) {
  const waiting = [...list.entries()]
  const results = []
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return results
}

function chosenOperations() {
  const prefixes = options.only?.split(',') ?? ['']
  const runs = []
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue
    for (const mode of operation.modes ?? ['wal', 'delete']) runs.push({ name, operation, mode })
  }
  return runs
}

/** Returns figures by operation, and the failures in words. */
async function tryAll(points, onWrong) {
  const figures = {}
  const wrong = []
  for (const { name } of points)
    figures[name] ??= { points: 0, killed: 0, failed: 0, lost: 0, lies: 0, missed: 0 }
  await each(points, async (point) => {
    const figure = figures[point.name]
    const { killed, failed, lost, lie, missed, words } = await tryPoint(point)
    figure.points++
    if (killed) figure.killed++
    if (failed) figure.failed++
    if (lost) figure.lost++
    if (lie) figure.lies++
    if (missed) figure.missed++
    if (!words) return
    wrong.push(words)
    onWrong(words)
  })
  return { figures, wrong }
}

function totalOf(figures) {
  const total = { points: 0, killed: 0, failed: 0, lost: 0, lies: 0, missed: 0 }
  for (const figure of Object.values(figures))
    for (const what of Object.keys(total)) total[what] += figure[what]
  return total
}

function line(name, { points, killed, failed, lost, lies, missed }) {
  const number = (value) => String(value).padStart(5)
  const outcome = `${lost} lost  ${lies} lies  ${missed} missed`
  return `${name.padEnd(26)} ${number(points)} points ${number(killed)} killed ${number(failed)} failed  ${outcome}`
}

for (const name of ['SIGINT', 'SIGTERM']) {
  process.once(name, () => {
    removeScratch()
    process.exit(128 + constants.signals[name])
  })
}

try {
  const problem = prepareInterceptor()
  if (problem) {
    console.error(problem)
    process.exitCode = 2
  } else await main()
} finally {
  removeScratch()
}

async function main() {
  const prepared = await each(chosenOperations(), async ({ name, operation, mode }) => {
    const begin = await prepare(name, operation, mode)
    const { points, all } = pointsOf(begin.calls, begin.folder, operation.spread)
    return { name, mode, all, points: points.map((point) => ({ name, operation, mode, begin, ...point })) }
  })
  const all = prepared.flatMap(({ points }) => points)
  if (options.list) {
    for (const { name, mode, points, all: unthinned } of prepared)
      console.log(`${name.padEnd(26)} ${mode.padEnd(6)} ${String(points.length).padStart(5)} of ${unthinned}`)
    console.log(`${all.length} points`)
  } else {
    const points = options.sample ? sampled(all, Number(options.sample)) : all
    const { figures, wrong } = await tryAll(points, (words) => options.json || console.log(`! ${words}`))
    const total = { of: all.length, ...totalOf(figures) }
    if (options.json) console.log(JSON.stringify({ total, figures, wrong }))
    else {
      for (const [name, figure] of Object.entries(figures)) console.log(line(name, figure))
      console.log(line('all', total))
    }
    process.exitCode = total.lost + total.lies > 0 || total.points === 0 ? 1 : 0
  }
}
