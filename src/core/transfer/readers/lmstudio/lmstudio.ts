import { type Conversation, Refused } from '../../conversation.ts'
import { contentId } from '../../ids.ts'
import { fileName } from '../attachments.ts'
import { type Draft, growTree } from '../grow-tree.ts'
import { readTime, spanOf } from '../times.ts'
import { lastModel } from '../tree.ts'
import {
  asArray,
  asBoolean,
  asCount,
  asName,
  asNonBlank,
  asRecord,
  type JsonRecord,
  leftover,
  present,
} from '../values.ts'
import { folderBelow, foldersOf, idOf, timeInName } from './lmstudio-file.ts'
import { modelOf, readVersion } from './lmstudio-version.ts'

/** Returns true when a file's content looks like a conversation of LM Studio. */
export function looksLikeLMStudio(value: unknown): boolean {
  const source = asRecord(value)
  if (!source || !Array.isArray(source.messages)) return false
  const first = asRecord(source.messages[0])
  if (first) return Array.isArray(first.versions)
  return 'systemPrompt' in source || 'lastUsedModel' in source || 'assistantLastMessagedAt' in source
}

/**
 * Reads one conversation of LM Studio; throws Refused without `messages`. The file contains no id, so the id
 * is the name of the file, plus what distinguishes two files of one name. `file` is its name relative to a
 * folder that nobody chose, `path` its location. Messages are identified by their positions: importing an
 * edited chat again replaces them.
 */
export function readLMStudio(value: unknown, file: string, path = file): Conversation {
  const name = fileName(file).replace(/(\.conversation)?\.json$/i, '') || null
  const source = asRecord(value)
  if (!source) throw new Refused(name, 'it is not an object')
  if (!Array.isArray(source.messages)) throw new Refused(name, 'it has no messages')
  const { drafts, current } = readDrafts(source)
  const tree = growTree(drafts, [current])
  const times = [source.assistantLastMessagedAt, source.userLastMessagedAt].map((time) => readTime(time))
  const folder = folderBelow(path)
  return {
    id: name === null ? contentId(value) : idOf(source, name, folder),
    title: asName(source.name),
    created_at: readTime(source.createdAt) ?? timeInName(name),
    updated_at: spanOf(times).updated_at,
    model_name: modelOf(asRecord(source.lastUsedModel)) ?? lastModel(tree),
    is_archived: asBoolean(source.archived),
    metadata: present({ ...leftover(source, TAKEN), folder: (folder ?? foldersOf(file)).join('/') }),
    ...tree,
  }
}

const TAKEN = [
  'name',
  'createdAt',
  'messages',
  'systemPrompt',
  'assistantLastMessagedAt',
  'userLastMessagedAt',
  'archived',
]

/** Returns every version of every message; the next message follows the selected version. */
function readDrafts(source: JsonRecord): { drafts: Draft[]; current: string | null } {
  const drafts: Draft[] = systemPrompt(source.systemPrompt)
  let current = drafts[0]?.id ?? null
  asArray(source.messages).forEach((value, index) => {
    const message = asRecord(value) ?? {}
    const versions = Array.isArray(message.versions) ? message.versions : [message]
    const siblings = versions.flatMap((version, number): Draft[] => {
      const read = asRecord(version) && readVersion(asRecord(version) ?? {})
      return read ? [{ id: `${index}.${number}`, parents: [current], message: read }] : []
    })
    const wanted = `${index}.${asCount(message.currentlySelected) ?? 0}`
    drafts.push(...siblings)
    current = (siblings.find(({ id }) => id === wanted) ?? siblings.at(-1))?.id ?? current
  })
  return { drafts, current }
}

function systemPrompt(value: unknown): Draft[] {
  const text = asNonBlank(value)
  if (text === null) return []
  return [
    {
      id: 'system',
      parents: [],
      message: {
        role: 'system',
        hidden: true,
        parts: [{ kind: 'text', text }],
        model_name: null,
        created_at: null,
        metadata: {},
      },
    },
  ]
}
