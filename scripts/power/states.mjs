// The states in which a power cut could leave a folder while a recorded program works in it.
import { createHash } from 'node:crypto'
import { Disk, describeTree } from './disk.mjs'

/** Returns the same numbers in every run (mulberry32). */
function randomNumbers(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Yields choices from the pending changes: nothing, all, each alone, all but one, prefixes in time, and at
 * random.
 */
function choices(pending, random) {
  const some = (list, count) =>
    list.length <= count
      ? list
      : Array.from({ length: count }, () => list[Math.floor(random() * list.length)])
  const few = some([...pending.keys()], 12)
  const picked = [[], pending]
  for (const index of few) {
    picked.push(
      [pending[index]],
      pending.slice(0, index),
      pending.filter((_one, other) => other !== index),
    )
  }
  for (let count = 0; count < 6; count++) {
    const share = random()
    picked.push(pending.filter(() => random() < share))
    picked.push(prefixOfEach(pending, random))
  }
  return picked.map((kept, index) => ({
    kept,
    tear: index > 2 && random() < 0.15 ? Math.floor(random() * 7) : undefined,
  }))
}

/** Chooses as journalling file systems do: the changes of each file or folder are there up to some moment. */
function prefixOfEach(pending, random) {
  const ends = new Map()
  const counts = new Map()
  for (const { node } of pending) counts.set(node, (counts.get(node) ?? 0) + 1)
  for (const [node, count] of counts) ends.set(node, Math.floor(random() * (count + 1)))
  const taken = new Map()
  return pending.filter(({ node }) => {
    taken.set(node, (taken.get(node) ?? 0) + 1)
    return taken.get(node) <= ends.get(node)
  })
}

/**
 * Returns different states over all moments of a recording, spread evenly; a third of them after the program
 * reported success.
 */
export function statesOf(events, { folder, unsettled, wanted, seed }) {
  const random = randomNumbers(seed)
  const disk = new Disk(folder, unsettled)
  const seen = new Set()
  const early = []
  const late = []
  let said = false
  const gather = (moment) => {
    for (const { kept, tear } of choices(disk.pending(), random)) {
      const tree = disk.tree(kept, tear)
      const mark = `${said} ${describeTree(tree, createHash('sha256')).digest('hex')}`
      if (seen.has(mark)) continue
      seen.add(mark)
      ;(said ? late : early).push({ tree, said, moment })
    }
  }
  gather(0)
  for (const [index, event] of events.entries()) {
    if (event.kind === 'said') said = true
    else if (event.path.endsWith('-shm') || !disk.apply(event)) continue
    gather(index + 1)
  }
  const ends = spread(late, Math.ceil(wanted / 3))
  return [...spread(early, wanted - ends.length), ...ends]
}

function spread(list, wanted) {
  if (list.length <= wanted) return list
  return Array.from(
    { length: wanted },
    (_one, index) => list[Math.floor(((index + 0.5) * list.length) / wanted)],
  )
}
