// Examines a state that a power cut could leave: is it as before or as after, and is nothing lost?
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { databaseHealthCheck } from '../../dist/index.js'
import { writeTree } from './disk.mjs'
import { contentOf } from './look.mjs'
import { filesBelow, KEYS, keyIn } from './operations.mjs'

/** Reads a database as an operation names it, opened with the key that is in the same folder. */
export async function read(folder, place, scratch) {
  if (!place) return undefined
  const [file, keyFile, format] = place
  const key = keyFile === null ? null : keyIn(folder, keyFile)
  return key === undefined ? undefined : contentOf(join(folder, file), { key, format }, scratch)
}

const isUnfinished = (name) => /\.(new|old|place)(-wal|-journal)?$/.test(name)

/** Returns 'before', 'after', 'between' when the next run continues, or in words what is wrong. */
async function stateOf({ operation, before, after, references }, folder, scratch) {
  const was = await read(folder, operation.before, scratch)
  const is = await read(folder, operation.after, scratch)
  const databases = new Set(
    [operation.before?.[0], operation.after?.[0]].flatMap((file) =>
      ['', '-wal', '-journal'].map((end) => file + end),
    ),
  )
  const isDatabase = (name) => databases.has(name) || operation.keeps?.test(name.replace(/-wal$/, ''))
  const same = (name, other) => readFileSync(join(folder, name)).equals(readFileSync(join(other, name)))
  const [old, made] = [filesBelow(before), filesBelow(after)]
  const fresh = made.filter((name) => !old.includes(name) && !isDatabase(name))
  const gone = old.filter((name) => !made.includes(name) && !isDatabase(name))
  const needed = old.filter((name) => made.includes(name) && !isDatabase(name))
  for (const name of needed) {
    if (operation.unsettled?.includes(name)) continue
    if (!existsSync(join(folder, name)) || !same(name, after)) return `${name} is not what it was`
  }
  for (const name of fresh.filter((one) => existsSync(join(folder, one)) && !same(one, after))) {
    const isKey = name === operation.after?.[1]
    const empty = readFileSync(join(folder, name)).length === 0
    const held = empty && filesBelow(folder).some((other) => other.endsWith('.place'))
    if (!isKey && !operation.partial && !held) return `${name} is not whole`
  }
  const there = (name) => existsSync(join(folder, name)) && same(name, after)
  if (operation.backup) {
    const backup = fresh.find((name) => name.endsWith('.db'))
    if (there(backup) && !there(`${backup}.json`)) return 'a backup without its manifest'
  }
  const isAfter = operation.after ? is === references.after : true
  const isBefore = operation.before ? was === references.before : true
  if (operation.after && !isAfter && !isBefore) {
    if (!existsSync(join(folder, operation.before[0])) && filesBelow(folder).some(isUnfinished))
      return 'between'
    return is === 'damaged' || was === 'damaged'
      ? 'the database is damaged'
      : 'the database is neither as before nor as after'
  }
  if (operation.after && !operation.before && !isAfter) {
    const [file] = operation.after
    const path = join(folder, file)
    if (existsSync(path) && readFileSync(path).length > 0)
      return keyIn(folder, operation.after[1]) ? 'a database that is not whole' : 'a database without its key'
  }
  if (isAfter && operation.keeps && !isBefore) {
    const kept = filesBelow(folder).filter((name) => operation.keeps.test(name))
    const contents = await Promise.all(
      kept.map((name) => read(folder, [name, ...operation.before.slice(1)], scratch)),
    )
    if (!contents.includes(references.before)) return 'what stood there before is gone'
  }
  const complete = isAfter && fresh.every(there) && gone.every((name) => !existsSync(join(folder, name)))
  if (complete && operation.noPlaintext && filesBelow(folder).some((name) => isPlaintext(join(folder, name))))
    return 'before'
  return complete ? 'after' : 'before'
}

const isPlaintext = (path) => readFileSync(path).subarray(0, 15).toString() === 'SQLite format 3'

/** Returns what is wrong with a state: undefined when all is well. */
export async function judge(rehearsed, { tree, said }, scratch) {
  const folder = mkdtempSync(join(scratch, 'state-'))
  try {
    writeTree(tree, folder)
    const found = await stateOf(rehearsed, folder, scratch)
    const wrong = verdict(found, said)
    if (wrong && found !== 'between') return wrong
    if (found !== 'between' && !filesBelow(folder).some(isUnfinished)) return undefined
    // The next run of the program finishes or rolls back the operation: then it has to be one of the two.
    await recover(rehearsed, folder)
    const later = await stateOf(rehearsed, folder, scratch)
    return (
      verdict(later, said || found === 'after') &&
      `${verdict(later, said || found === 'after')} after the next run`
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function verdict(state, said) {
  if (state === 'after' || (state === 'before' && !said)) return undefined
  return state === 'before' ? 'what was acknowledged is not there' : state
}

async function recover({ operation }, folder) {
  const [file, keyFile] = operation.before ?? operation.after ?? ['c.db', 'one']
  const key = `x'${(keyFile && keyIn(folder, keyFile)) || KEYS.one}'`
  await databaseHealthCheck({ path: join(folder, file), key, quick: true }).catch(() => {})
}
