import { contentId } from '../../ids.ts'
import { readTime } from '../times.ts'
import { asArray, asRecord, type JsonRecord } from '../values.ts'

/** Returns the id of a conversation: the name of its file, plus what distinguishes two files of one name. */
export function idOf(source: JsonRecord, name: string, folder: readonly string[] | null): string {
  return [...(folder ?? []), name].join('/') + distinction(source, name)
}

/** Returns the folders that a path leads through. */
export function foldersOf(path: string): string[] {
  return path
    .split(/[\\/]/)
    .slice(0, -1)
    .filter((part) => part !== '' && part !== '.')
}

/** Returns the folder in LM Studio's list, which is below `conversations`; null when it is unknown. */
export function folderBelow(path: string): string[] | null {
  const folders = foldersOf(path)
  const root = folders.lastIndexOf('conversations')
  return root === -1 ? null : folders.slice(root + 1)
}

/**
 * Returns the creation time, unless the name contains it, or else how the chat began: files of one name may
 * be in several folders.
 */
function distinction({ createdAt, messages }: JsonRecord, name: string): string {
  const [created, named] = [readTime(createdAt), timeInName(name)]
  if (created !== null) return created === named ? '' : `@${created}`
  const [first] = asArray(messages)
  if (named !== null || first === undefined) return ''
  return `#${contentId(asArray(asRecord(first)?.versions)[0] ?? first)}`
}

/**
 * Returns the time that a file is named after, in milliseconds: shorter numbers are names that someone chose.
 */
export function timeInName(name: string | null): string | null {
  return name && /^\d{13}$/.test(name) ? readTime(name) : null
}
