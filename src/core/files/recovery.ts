import { lstat, readdir, readlink, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { identify, ownUser } from './file-facts.ts'
import { BESIDE, discardDatabase } from './new-file.ts'
import { clearPlace, isPlaceholder, noteOf, targetOf } from './placeholder.ts'
import { mayStillRun, ownPid } from './process-alive.ts'
import { syncFolder } from './sync-folder.ts'

/** What makes a file that appears under its name only when it is whole. */
export type Operation =
  | 'init'
  | 'backup'
  | 'drill'
  | 'rehearse'
  | 'rekey'
  | 'rebuild'
  | 'restore'
  | 'encrypt'
  | 'upgrade'
  | 'export'
  | 'salvage'
  | 'key'

/**
 * The names that an operation on `path` uses, so that a later run can tell from them alone what a killed one
 * left: `made` is there until it takes the place of `path`; `old` is what stood there and is to be removed;
 * `kept` is what stood there and stays. Where a name is held by an empty file, a note of it is beside `made`
 * (placeholder.ts).
 */
export interface Names {
  made: string
  old: string
  kept: string
}

/** The names for an operation that begins now. */
export function namesFor(path: string, operation: Operation, now: Date): Names {
  const begin = operation === 'export' ? join(dirname(path), shortName(basename(path))) : path
  return names(begin, operation, ownPid, stampOf(now))
}

/** Bytes: with what is added to it, such a name fits wherever a name fits. */
const SHORT = 60

/**
 * Whether a live process is in the middle of putting another file in the place of this one, so that for a
 * moment there is none: where files have one name only, that takes two renames.
 */
export async function isBeingReplaced(path: string): Promise<boolean> {
  const target = await readlink(path).then(
    (link) => resolve(dirname(path), link),
    () => path,
  )
  for (const name of await readdir(dirname(target)).catch(() => [])) {
    const [, base, operation = '', pid, stamp = '', end] = UNFINISHED.exec(name) ?? []
    if (base !== basename(target) || end !== 'new' || !REPLACING.includes(operation)) continue
    if (await mayStillRun(Number(pid), readStamp(stamp))) return true
  }
  return (await identify(target)) !== undefined // it has come since it was looked for
}

const REPLACING = ['rekey', 'restore', 'encrypt', 'upgrade']

/**
 * What is exported may have as long a name as there is, so what it is made under begins with some of it only.
 */
function shortName(base: string): string {
  let short = ''
  for (const char of base) {
    if (Buffer.byteLength(short + char) > SHORT) break
    short += char
  }
  return short
}

/** A moment in a file name: `20261123T131500123Z`, which sorts as text. */
export function stampOf(moment: Date): string {
  return moment.toISOString().replace(/[-:.]/g, '')
}

function names(path: string, operation: string, pid: number, stamp: string): Names {
  const common = `${path}.${operation}-${pid}-${stamp}`
  return { made: `${common}.new`, old: `${common}.old`, kept: `${path}.before-${operation}-${stamp}` }
}

/** How an operation that was killed ended after all. */
export interface Recovery {
  operation: Operation
  outcome: 'finished' | 'undone'
}

const UNFINISHED =
  /^(.+)\.(init|backup|drill|rehearse|rekey|rebuild|restore|encrypt|upgrade|export|salvage|key)-(\d+)-(\d{8}T\d{9}Z)\.(new|old|place)$/

/** Whether a name is one that an operation uses while it goes on. */
export const isUnfinished = (name: string) => UNFINISHED.test(name)

/** Finishes or undoes what killed operations on this file left; what still runs is left alone. */
export async function recover(path: string): Promise<Recovery[]> {
  const name = basename(path)
  return settleAll(
    dirname(path),
    (base, operation) => base === (operation === 'export' ? shortName(name) : name),
  )
}

/** The same for every file of a folder: what is left of killed copies goes. */
export async function recoverFolder(folder: string): Promise<Recovery[]> {
  return settleAll(folder, () => true)
}

/** The same for exports alone, which are plaintext: what is not ours to remove stays. */
export async function recoverExports(folder: string): Promise<Recovery[]> {
  return settleAll(folder, (_base, operation) => operation === 'export')
}

async function settleAll(
  folder: string,
  isMeant: (base: string, operation: string) => boolean,
): Promise<Recovery[]> {
  const found = new Map<string, { base: string; operation: string; pid: number; stamp: string }>()
  for (const name of await readdir(folder).catch(() => [])) {
    const [, base = '', operation = '', pid = '', stamp = ''] = UNFINISHED.exec(name) ?? []
    if (base === '' || !isMeant(base, operation)) continue
    found.set(`${base} ${operation} ${pid} ${stamp}`, { base, operation, pid: Number(pid), stamp })
  }
  const recovered: Recovery[] = []
  for (const { base, operation, pid, stamp } of found.values()) {
    if (await mayStillRun(pid, readStamp(stamp))) continue
    const path = join(folder, base)
    await clearPlace(noteOf(names(path, operation, pid, stamp).made))
    const outcome =
      operation === 'export'
        ? await removeExport(names(path, operation, pid, stamp).made)
        : await settle(path, names(path, operation, pid, stamp))
    if (outcome) recovered.push({ operation: operation as Operation, outcome })
  }
  return recovered
}

/**
 * Which operation holds a name with an empty file until it has one, and whether its process may still run.
 */
export async function unfinishedPlace(
  path: string,
): Promise<{ operation: Operation; running: boolean } | undefined> {
  const folder = dirname(path)
  for (const name of await readdir(folder).catch(() => [])) {
    const [, , operation = '', pid = '', stamp = '', kind] = UNFINISHED.exec(name) ?? []
    const note = join(folder, name)
    if (kind !== 'place' || (await targetOf(note)) !== path || !(await isPlaceholder(path, note))) continue
    const running = await mayStillRun(Number(pid), readStamp(stamp))
    return { operation: operation as Operation, running }
  }
  return undefined
}

/** Milliseconds for which a name may be held: between two system calls. */
const PATIENCE = 2000

/** Resolves when no running process holds this name any more, after two seconds at the latest. */
export async function untilPlaced(path: string): Promise<void> {
  const began = Date.now()
  while ((await isEmptyFile(path)) && (await unfinishedPlace(path))?.running) {
    if (Date.now() - began > PATIENCE) return
    await pause(20)
  }
}

/** Whether there is a file without content. */
export async function isEmptyFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (status) => status.isFile() && status.size === 0,
    () => false,
  )
}

/**
 * An export replaces nothing, and may be a folder. One that had its name already, and was killed before the
 * other went, is finished. Undefined for one that is somebody else's, or gone: a folder that others may write
 * is not gone into, for what is in there may lead elsewhere by then.
 */
async function removeExport(made: string): Promise<Recovery['outcome'] | undefined> {
  const status = await lstat(made).catch(() => undefined)
  if (!status) return undefined
  if (status.isDirectory()) {
    const folder = await lstat(dirname(made)).catch(() => undefined)
    if (status.uid !== ownUser() || (ownUser() === 0 && folder?.uid !== 0)) return undefined
  }
  try {
    await rm(made, { recursive: true })
    await syncFolder(dirname(made)).catch(() => {})
    return status.isFile() && status.nlink > 1 ? 'finished' : 'undone'
  } catch {
    return undefined
  }
}

function readStamp(stamp: string): Date {
  const [, year, month, day, hour, minute, second, millisecond] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(stamp) ?? []
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}Z`)
}

/** Looks at which files there are, and which of them are one: that tells how far it came. */
async function settle(path: string, { made, old, kept }: Names): Promise<Recovery['outcome']> {
  const [standing, ready, removable, keepable] = await Promise.all([path, made, old, kept].map(identify))
  const aside = removable ?? keepable
  const undone = aside === undefined || aside === standing
  if (undone) {
    await rm(old, { force: true })
    if (keepable !== undefined && keepable === standing) await rm(kept)
    await discardDatabase(made)
  } else if (standing === undefined && ready !== undefined) {
    // Everything was proven before the first file moved: so what is missing is only the rest of the moves.
    await moveBeside(path, removable === undefined ? kept : old)
    await syncFolder(dirname(path))
    await rename(made, path)
    await syncFolder(dirname(path))
    await discardDatabase(old)
  } else if (standing === undefined) {
    // Its name was lost in a power cut, or with the new file: what stood there is all there is.
    const from = removable === undefined ? kept : old
    await moveBeside(from, path)
    await syncFolder(dirname(path))
    await rename(from, path)
    await syncFolder(dirname(path))
    return 'undone'
  } else {
    await syncFolder(dirname(path))
    await discardDatabase(old)
    await discardDatabase(made)
  }
  await syncFolder(dirname(path)).catch(() => {})
  return undone ? 'undone' : 'finished'
}

/** Moves what SQLite keeps beside a database, so that it stays beside it under the new name. */
export async function moveBeside(from: string, to: string): Promise<void> {
  for (const suffix of BESIDE) {
    if ((await identify(from + suffix)) !== undefined) await rename(from + suffix, to + suffix)
  }
}
