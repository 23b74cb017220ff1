// Tries an operation, without and with a fault, and judges the outcome.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { flags } from './database.mjs'
import { record, run, runWithFault } from './program.mjs'
import { newFolder, scratch } from './scratch.mjs'

/**
 * Prepares the starting point of an operation and runs it once without a fault. Resolves to the starting
 * folder, the calls on its files, and the output of the operation.
 */
export async function prepare(name, operation, mode) {
  const folder = join(scratch, `begin-${name.replaceAll(' ', '-')}-${mode}`)
  mkdirSync(folder, { mode: 0o700 })
  await operation.make(folder, mode)
  const copy = copyOf(folder)
  const result = await record(operation.words(copy), copy, operation.environment)
  if (result.code !== 0) throw new Error(`${name} fails without any fault: ${result.stderr}`)
  const state = await operation.state(copy, result)
  if (state !== 'after') throw new Error(`${name} without any fault ends in the state: ${state}`)
  const reference = operation.answer?.(copy, result)
  const calls = result.calls.map(({ kind, path }) => ({ kind, path: join(folder, relative(copy, path)) }))
  rmSync(copy, { recursive: true })
  return { folder, calls, reference, before: factsOf(folder) }
}

function copyOf(folder) {
  const copy = newFolder('point')
  cpSync(folder, copy, { recursive: true, preserveTimestamps: true })
  return copy
}

/**
 * Tries one point. Resolves to the outcome: `killed`, `failed`, `lost`, `lie`, `missed`, and in `words` what
 * is wrong.
 */
export async function tryPoint({ name, operation, mode, begin, ...point }) {
  const copy = copyOf(begin.folder)
  try {
    const result = await runWithFault(operation.words(copy), copy, point, operation.environment)
    if (!result.hit) return { missed: true }
    const where = `${name}, ${mode}, ${point.fault} at ${point.kind} ${point.file} (${point.n})`
    const judged = await judge(operation, copy, result, { ...point, ...begin })
    return { ...judged, ...(judged.words ? { words: `${where}: ${judged.words}` } : {}) }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

async function judge(operation, folder, result, { fault, before, reference }) {
  const { code, killed, stderr } = result
  const said = stderr.trim().slice(-600)
  const state = await operation.state(folder, result, reference)
  if (!['before', 'after', 'part'].includes(state))
    return { lost: true, words: `${state} (exit ${code}) ${said}` }
  const lie = lieOf(operation, folder, result, state, fault)
  if (lie) return { lie: true, words: `${lie}: ${said}` }
  const what = { killed, failed: !killed && code !== 0 }
  // When nothing has changed, the next run is the one without a fault.
  if (isSame(before, factsOf(folder))) return what
  const end = await bringToEnd(operation, folder, state, reference)
  return end ? { lie: true, words: `exit ${killed ? 'by a kill' : code}, '${state}'; ${end}` } : what
}

/** Returns how the exit code, or the output, contradicts the state; undefined when it does not. */
function lieOf(operation, folder, { code, killed, late, stdout, stderr, hit }, state, fault) {
  if (late) return 'it never ended'
  const printed = stdout.trim() !== ''
  if (killed)
    return printed && state !== 'after' ? `it printed a result, but the state is '${state}'` : undefined
  const warned = operation.warns && stderr.includes('"warning"')
  if (code === 0 && state !== 'after' && !warned) return `exit 0, but the state is '${state}'`
  if (code === 0) {
    const plain = operation.plaintext && !operation.reads ? plaintextIn(operation, folder) : []
    return plain.length && JSON.parse(stdout).plaintext === null
      ? `plaintext in ${plain.join(', ')}`
      : undefined
  }
  // What was written to a -wal counts when it is read again, and a disk that accepts no more writes cannot
  // undo it.
  const isOpen = fault === 'EIO+' && hit.kind === 'sync' && code === 18
  if (state === 'after' && !operation.parts && !isOpen) return `exit ${code}, but the state is 'after'`
  const error = errorOf(stderr)
  if (code === 1 && !/was ended by SIGKILL/.test(stderr)) return 'a defect is reported'
  const reports = code === 3 || operation.reports === code
  if (!reports && (error?.exit !== code || printed)) return `exit ${code}, and not one line of JSON`
  if (/writing the result/.test(stderr)) return 'the error does not say what could not be done'
  if (fault !== 'kill' && !reports && !TRUE_OF_A_DISK.has(code)) return `exit ${code} for a disk that failed`
  const left = (operation.made ?? []).filter((file) => exists(join(folder, file)))
  const couldGo = fault !== 'EIO+' && !(hit.kind === 'unlink' && left.includes(relative(folder, hit.path)))
  if (state === 'before' && left.length && couldGo) return `exit ${code}, and ${left.join(', ')} stays`
}

/** The exit codes that may report a failing call: a failed check, a key source or the disk. */
const TRUE_OF_A_DISK = new Set([3, 13, 18])

function errorOf(stderr) {
  try {
    return JSON.parse(stderr.trim().split('\n').at(-1)).error
  } catch {
    return undefined
  }
}

/** Runs the command again, and the commands that tidy up; returns in words what is wrong after that. */
async function bringToEnd(operation, folder, state, reference) {
  const { converged = [0], ends = () => 'after', tidy = () => [['backup', ...flags(folder)]] } = operation
  const words = (operation.again ?? operation.words)(folder)
  const again = await run(words)
  const end = await operation.state(folder, again, reference)
  const allowed = state === 'after' ? converged : [0]
  if (end !== ends(state) || !allowed.includes(again.code))
    return `run again, exit ${again.code} and '${end}': ${again.stderr.trim().slice(-600)}`
  if (litterIn(folder).length) for (const command of tidy(folder)) await run(command)
  const litter = litterIn(folder)
  if (litter.length) return `run again, ${litter.join(', ')} stays`
  const plain = operation.plaintext ? plaintextIn(operation, folder) : []
  if (plain.length) return `run again, plaintext in ${plain.join(', ')}`
}

/** Returns the files with the name of something unfinished, or in a folder with such a name. */
const litterIn = (folder) => filesIn(folder).filter((file) => /\.(new|old|place)(\/|$)/.test(file))

function plaintextIn({ plaintext, mayHold }, folder) {
  return filesIn(folder).filter(
    (file) => !mayHold.test(file.split('/')[0]) && readFileSync(join(folder, file)).includes(plaintext),
  )
}

/** Returns all files below a folder, by their relative paths. */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
}

const exists = (path) => statSync(path, { throwIfNoEntry: false }) !== undefined

/** Returns the files of a folder, with the times of their last changes. */
function factsOf(folder) {
  return new Map(
    readdirSync(folder, { recursive: true }).map((name) => {
      const { size, mtimeMs, mode } = statSync(join(folder, name))
      return [name, `${size} ${mode} ${mtimeMs}`]
    }),
  )
}

/** Returns true when nothing has changed; a folder is compared by its content. */
function isSame(before, after) {
  const names = [...after.keys()]
  return names.length === before.size && names.every((name) => before.get(name) === after.get(name))
}
