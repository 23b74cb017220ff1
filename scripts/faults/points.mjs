// Selects the faults to try, and the calls to try them at.

/**
 * The possible faults of a call: the process is killed before it, or it fails, alone or (`+`) with all later
 * calls that need space, or write. Calls that only look up names (stat, access, readlink) never fail here.
 *
 * A kill before an fsync is not tried: other processes see the same files as at a kill before the next call.
 * The purpose of an fsync, surviving a power cut, is not tested by failing calls.
 */
const FAULTS = {
  write: ['kill', 'ENOSPC', 'EIO', 'ENOSPC+'],
  sync: ['EIO', 'EIO+'],
  truncate: ['kill', 'EIO'],
  create: ['kill', 'ENOSPC', 'EACCES'],
  rename: ['kill', 'EACCES', 'EIO'],
  link: ['kill', 'EACCES', 'ENOSPC', 'EPERM'],
  unlink: ['kill', 'EACCES'],
  mkdir: ['kill', 'EACCES', 'ENOSPC'],
  rmdir: ['kill', 'EACCES'],
  chmod: ['EPERM'],
  chown: ['EPERM'],
  utime: ['EPERM'],
  open: ['EACCES'],
  opendir: ['EACCES'],
  read: ['EIO'],
}

/**
 * Additional faults for the first call of its kind on a file: for later calls the same code responds in the
 * same way.
 */
const FIRST = { create: ['EMFILE'], open: ['EMFILE'], opendir: ['EMFILE'] }

/**
 * Of consecutive calls of one kind on one file: the first, the second, the last, and this many evenly between
 * them.
 */
const SPREAD = 6

/** Returns the name of a file in a folder, without what differs between runs. */
export const nameOf = (path, folder) =>
  path
    .slice(folder.length + 1)
    .replace(/-\d+-\d{8}T\d{9}Z/g, '-*')
    .replace(/\d{8}T\d{9}Z/g, '*')

/**
 * Returns the points of a recorded run: `{ n, kind, file, fault }`. Of many similar calls some are selected,
 * `spread` of them in the middle; `all` is the number of points without this selection.
 */
export function pointsOf(calls, folder, spread = SPREAD) {
  const named = calls.map(({ kind, path }, index) => ({ n: index + 1, kind, file: nameOf(path, folder) }))
  const chosen = named.filter(isChosen(named, spread))
  const seen = new Set()
  const points = []
  for (const { n, kind, file } of chosen) {
    const first = !seen.has(`${kind} ${file}`)
    seen.add(`${kind} ${file}`)
    for (const fault of [...FAULTS[kind], ...((first && FIRST[kind]) || [])])
      points.push({ n, kind, file, fault })
  }
  const all = named.reduce((sum, { kind }) => sum + FAULTS[kind].length, 0)
  return { points, all }
}

/**
 * Selects calls. Consecutive reads form a run with other reads, writes with other writes, whatever is between
 * them.
 */
function isChosen(calls, spread) {
  const chosen = new Set(calls.filter(({ kind }) => kind.startsWith('open')))
  for (const part of [
    calls.filter(({ kind }) => kind === 'read'),
    calls.filter(({ kind }) => changes(kind)),
  ]) {
    for (const run of runsOf(part)) for (const index of edges(run.length, spread)) chosen.add(run[index])
  }
  return (call) => chosen.has(call)
}

/** Splits a list into runs of one kind on one file. */
function runsOf(calls) {
  const runs = []
  for (const call of calls) {
    const last = runs.at(-1)
    if (last?.[0].kind === call.kind && last[0].file === call.file) last.push(call)
    else runs.push([call])
  }
  return runs
}

/** Returns positions in a list: the first, the second, the last, and `spread` of them evenly between. */
function edges(length, spread) {
  if (length <= spread + 3) return Array.from({ length }, (_, index) => index)
  const between = Array.from({ length: spread }, (_, index) =>
    Math.round(1 + ((index + 1) * (length - 2)) / (spread + 1)),
  )
  return [0, 1, ...between, length - 1]
}

const changes = (kind) => !['read', 'open', 'opendir'].includes(kind)

/**
 * Returns `wanted` of the points, a third of them kills, each spread evenly over the list, which is ordered
 * by operation, mode and call.
 */
export function sampled(points, wanted) {
  if (wanted >= points.length) return points
  const kills = points.filter(({ fault }) => fault === 'kill')
  const others = points.filter(({ fault }) => fault !== 'kill')
  const killed = Math.min(kills.length, Math.round(wanted / 3))
  return [...evenly(kills, killed), ...evenly(others, wanted - killed)]
}

const evenly = (list, wanted) =>
  Array.from({ length: wanted }, (_, index) => list[Math.floor(((index + 0.5) * list.length) / wanted)])
