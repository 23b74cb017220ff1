// Which faults are tried at which calls.

/**
 * What can go wrong at a call: the process is killed before it, or it fails, by itself or (`+`) with all that
 * follow and need space, or write. What only looks at names (stat, access, readlink) never fails here.
 *
 * A kill before an fsync is not tried: other processes see the same files as at a kill before the call after
 * it. What an fsync is for, a power cut, is not a matter of calls.
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
 * What is tried besides at the first call of its kind on a file: elsewhere the same code answers in the same
 * way.
 */
const FIRST = { create: ['EMFILE'], open: ['EMFILE'], opendir: ['EMFILE'] }

/**
 * Of calls of one kind in a row on one file: the first, the second, the last, and so many evenly between
 * them.
 */
const SPREAD = 6

/** The name of a file in a folder, without what differs from run to run. */
export const nameOf = (path, folder) =>
  path
    .slice(folder.length + 1)
    .replace(/-\d+-\d{8}T\d{9}Z/g, '-*')
    .replace(/\d{8}T\d{9}Z/g, '*')

/**
 * The points of a recorded run: `{ n, kind, file, fault }`. Of calls that are many alike some are taken,
 * `spread` of them in the middle; `all` is how many points there would be otherwise.
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

/** Reads are in a row with other reads, writes with other writes, whatever is between them. */
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

/** Cuts a list into runs of one kind on one file. */
function runsOf(calls) {
  const runs = []
  for (const call of calls) {
    const last = runs.at(-1)
    if (last?.[0].kind === call.kind && last[0].file === call.file) last.push(call)
    else runs.push([call])
  }
  return runs
}

/** Places in a list: the first, the second, the last, and so many evenly between them. */
function edges(length, spread) {
  if (length <= spread + 3) return Array.from({ length }, (_, index) => index)
  const between = Array.from({ length: spread }, (_, index) =>
    Math.round(1 + ((index + 1) * (length - 2)) / (spread + 1)),
  )
  return [0, 1, ...between, length - 1]
}

const changes = (kind) => !['read', 'open', 'opendir'].includes(kind)

/**
 * So many, a third of them kills, each spread evenly over the list, which is ordered by operation, mode and
 * call.
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
