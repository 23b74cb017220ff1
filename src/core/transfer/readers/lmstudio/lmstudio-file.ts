import { contentId } from '../../ids.ts'
import { readTime } from '../times.ts'
import { asArray, asRecord, type JsonRecord } from '../values.ts'

/** The id of a conversation, which is the name of its file with what tells two of one name apart. */
export function idOf(source: JsonRecord, name: string, folder: readonly string[] | null): string {
  return [...(folder ?? []), name].join('/') + distinction(source, name)
}

/** The folders that a path leads through. */
export function foldersOf(path: string): string[] {
  return path
    .split(/[\\/]/)
    .slice(0, -1)
    .filter((part) => part !== '' && part !== '.')
}

/** The folder in LM Studio's list, which is below `conversations`; null where it cannot be known. */
export function folderBelow(path: string): string[] | null {
  const folders = foldersOf(path)
  const root = folders.lastIndexOf('conversations')
  return root === -1 ? null : folders.slice(root + 1)
}

/**
 * When it was made, unless the name says so, or else how it began: chats of one name may lie in several
 * folders.
 */
function distinction({ createdAt, messages }: JsonRecord, name: string): string {
  const [created, named] = [readTime(createdAt), timeInName(name)]
  if (created !== null) return created === named ? '' : `@${created}`
  const [first] = asArray(messages)
  if (named !== null || first === undefined) return ''
  return `#${contentId(asArray(asRecord(first)?.versions)[0] ?? first)}`
}

/** The time that a file is named after, in milliseconds: shorter numbers are names that someone chose. */
export function timeInName(name: string | null): string | null {
  return name && /^\d{13}$/.test(name) ? readTime(name) : null
}
