import { lstat, readdir, readlink, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { identify, ownUser } from './file-facts.ts'
import { BESIDE, discardDatabase } from './new-file.ts'
import { clearPlace, isPlaceholder, noteOf, targetOf } from './placeholder.ts'
import { mayStillRun, ownPid } from './process-alive.ts'
import { syncFolder } from './sync-folder.ts'

/** The operations that make a file which appears under its name only when it is complete. */
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
 * The names that an operation on `path` uses, from which a later run detects what an interrupted one left:
 * `made` exists until it replaces `path`; `old` is the previous file and is removed; `kept` is the previous
 * file and stays. When an empty file reserves a name, a note of it is beside `made` (placeholder.ts).
 */
export interface Names {
  made: string
  old: string
  kept: string
}

/** Returns the names for an operation that begins now. */
export function namesFor(path: string, operation: Operation, now: Date): Names {
  const begin = operation === 'export' ? join(dirname(path), shortName(basename(path))) : path
  return names(begin, operation, ownPid, stampOf(now))
}

/** Bytes: even with what is appended, such a name fits wherever a file name fits. */
const SHORT = 60

/**
 * Returns true when a running process is just replacing this file, so that for a moment there is none: on
 * file systems without hard links, that takes two renames.
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
  return (await identify(target)) !== undefined // it appeared after the first check
}

const REPLACING = ['rekey', 'restore', 'encrypt', 'upgrade']

/**
 * Shortens the name of an export, which may be as long as a file name can be: the temporary name begins with
 * only a part of it.
 */
function shortName(base: string): string {
  let short = ''
  for (const char of base) {
    if (Buffer.byteLength(short + char) > SHORT) break
    short += char
  }
  return short
}

/** Formats a time for a file name: `20261123T131500123Z`, which sorts as text. */
export function stampOf(moment: Date): string {
  return moment.toISOString().replace(/[-:.]/g, '')
}

function names(path: string, operation: string, pid: number, stamp: string): Names {
  const common = `${path}.${operation}-${pid}-${stamp}`
  return { made: `${common}.new`, old: `${common}.old`, kept: `${path}.before-${operation}-${stamp}` }
}

/** The outcome of an interrupted operation after its recovery. */
export interface Recovery {
  operation: Operation
  outcome: 'finished' | 'undone'
}

const UNFINISHED =
  /^(.+)\.(init|backup|drill|rehearse|rekey|rebuild|restore|encrypt|upgrade|export|salvage|key)-(\d+)-(\d{8}T\d{9}Z)\.(new|old|place)$/

/** Returns true when a name is one that an operation uses while it runs. */
export const isUnfinished = (name: string) => UNFINISHED.test(name)

/** Finishes or rolls back interrupted operations on this file; leaves running ones alone. */
export async function recover(path: string): Promise<Recovery[]> {
  const name = basename(path)
  return settleAll(
    dirname(path),
    (base, operation) => base === (operation === 'export' ? shortName(name) : name),
  )
}

/** Recovers every file of a folder: removes what interrupted copies left. */
export async function recoverFolder(folder: string): Promise<Recovery[]> {
  return settleAll(folder, () => true)
}

/** Recovers only the exports in a folder, which are plaintext: what is not ours to remove stays. */
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

/** Returns the operation that reserves a name with an empty file, and whether its process may still run. */
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

/**
 * The longest time, in milliseconds, to wait for a reserved name, which is held only between two system
 * calls.
 */
const PATIENCE = 2000

/** Resolves when no running process reserves this name any more, after two seconds at the latest. */
export async function untilPlaced(path: string): Promise<void> {
  const began = Date.now()
  while ((await isEmptyFile(path)) && (await unfinishedPlace(path))?.running) {
    if (Date.now() - began > PATIENCE) return
    await pause(20)
  }
}

/** Returns true when there is a file without content. */
export async function isEmptyFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (status) => status.isFile() && status.size === 0,
    () => false,
  )
}

/**
 * Removes an interrupted export, which replaces nothing and may be a folder. An export that already had its
 * name, and was killed before its temporary name was removed, is finished. Returns undefined when it belongs
 * to somebody else or no longer exists: a folder that others may write is never entered, since its content
 * may lead elsewhere by then.
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

/** Detects how far the operation came from which files exist and which of them are the same file. */
async function settle(path: string, { made, old, kept }: Names): Promise<Recovery['outcome']> {
  const [standing, ready, removable, keepable] = await Promise.all([path, made, old, kept].map(identify))
  const aside = removable ?? keepable
  const undone = aside === undefined || aside === standing
  if (undone) {
    await rm(old, { force: true })
    if (keepable !== undefined && keepable === standing) await rm(kept)
    await discardDatabase(made)
  } else if (standing === undefined && ready !== undefined) {
    // Everything was verified before the first file moved, so only the remaining moves are missing.
    await moveBeside(path, removable === undefined ? kept : old)
    await syncFolder(dirname(path))
    await rename(made, path)
    await syncFolder(dirname(path))
    await discardDatabase(old)
  } else if (standing === undefined) {
    // A power cut lost its name, or the new file with it: the previous file is all that is left.
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

/** Moves the files that SQLite keeps beside a database, so that they stay beside it under the new name. */
export async function moveBeside(from: string, to: string): Promise<void> {
  for (const suffix of BESIDE) {
    if ((await identify(from + suffix)) !== undefined) await rename(from + suffix, to + suffix)
  }
}
