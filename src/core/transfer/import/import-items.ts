import { type PlainRows, plainRows } from './insert-plain.ts'
import type { ImportRow, SessionRows } from './rows.ts'

/** A session to write completely; `file` names its origin. */
export interface SessionItem {
  kind: 'session'
  file: string
  id: string
  rows: SessionRows
}

/** One record of another kind. */
export interface RecordItem {
  kind: 'record'
  file: string
  table: RecordTable
  row: ImportRow
}

export type RecordTable = 'agents' | 'settings' | 'agent_executions'

/**
 * Whole chats of an export of this program, as the lines that `export` writes: SQLite takes the messages from
 * them, so that they are read only once. Any other form is read line by line.
 */
export interface ChatLines {
  kind: 'lines'
  file: string
  /** The number of the first line in the file. */
  line: number
  sessions: ImportRow[]
  /** The number of messages. */
  messages: number
  /** The line of each session and those of its messages, as one array. */
  json: Buffer
}

/** Something to write: records, or chats that need no parsing for that. */
export type ImportItem = SessionItem | RecordItem | ChatLines

/** Something that was not imported, with the reason. */
export interface Refusal {
  file: string
  /** The line on which it begins, if the file is text. */
  line?: number | undefined
  /** Its id in the source, if it could be read. */
  id: string | null
  reason: string
}

/** Sessions to write together: each once, with all of its rows in the form for SQLite. */
export interface SessionBatch {
  kind: 'sessions'
  items: SessionItem[]
  first: Map<string, SessionItem>
  sessions: PlainRows
  messages: PlainRows
}

/** Chats whose messages SQLite takes from their lines, and the rows of their sessions. */
export interface LineBatch {
  kind: 'lines'
  chats: ChatLines
  sessions: PlainRows
}

export type Batch = SessionBatch | LineBatch | RecordItem

/** Groups items in order, with consecutive sessions as one batch; a dry run needs no rows. */
export function batchesOf(items: Iterable<ImportItem>, dryRun: boolean): Batch[] {
  const batches: Batch[] = []
  let sessions: SessionItem[] = []
  const close = () => {
    if (sessions.length > 0) batches.push(sessionBatch(sessions, dryRun))
    sessions = []
  }
  for (const item of items) {
    if (item.kind === 'session') {
      sessions.push(item)
      continue
    }
    close()
    batches.push(
      item.kind === 'lines'
        ? { kind: 'lines', chats: item, sessions: plainRows(dryRun ? [] : item.sessions) }
        : item,
    )
  }
  close()
  return batches
}

function sessionBatch(items: SessionItem[], dryRun: boolean): SessionBatch {
  const first = new Map<string, SessionItem>()
  for (const item of items) if (!first.has(item.id)) first.set(item.id, item)
  const fresh = dryRun ? [] : [...first.values()]
  return {
    kind: 'sessions',
    items,
    first,
    sessions: plainRows(fresh.map(({ rows }) => rows.session)),
    messages: messagesOf(fresh),
  }
}

/** Returns the messages of sessions in the form for SQLite. */
export const messagesOf = (items: SessionItem[]) => plainRows(items.flatMap(({ rows }) => rows.messages))
