import { type PlainRows, plainRows } from './insert-plain.ts'
import type { ImportRow, SessionRows } from './rows.ts'

/** A session that is to be written whole. */
export interface SessionItem {
  kind: 'session'
  id: string
  rows: SessionRows
}

/** Something that is to be written: a session, or one record of another kind. */
export type ImportItem = SessionItem | { kind: 'record'; table: RecordTable; row: ImportRow }

export type RecordTable = 'agents' | 'settings' | 'agent_executions'

/** Sessions that are written together: each once, with all of their rows as they go to SQLite. */
export interface SessionBatch {
  items: SessionItem[]
  first: Map<string, SessionItem>
  sessions: PlainRows
  messages: PlainRows
}

export type Batch = SessionBatch | { record: ImportItem }

/** Items in their order, sessions that stand together as one batch; a dry run needs no rows. */
export function batchesOf(items: readonly ImportItem[], dryRun: boolean): Batch[] {
  const batches: Batch[] = []
  let sessions: SessionItem[] = []
  const close = () => {
    if (sessions.length > 0) batches.push(sessionBatch(sessions, dryRun))
    sessions = []
  }
  for (const item of items) {
    if (item.kind === 'session') sessions.push(item)
    else {
      close()
      batches.push({ record: item })
    }
  }
  close()
  return batches
}

function sessionBatch(items: SessionItem[], dryRun: boolean): SessionBatch {
  const first = new Map<string, SessionItem>()
  for (const item of items) if (!first.has(item.id)) first.set(item.id, item)
  const fresh = dryRun ? [] : [...first.values()]
  return {
    items,
    first,
    sessions: plainRows(fresh.map(({ rows }) => rows.session)),
    messages: messagesOf(fresh),
  }
}

/** The messages of sessions, as they go to SQLite. */
export const messagesOf = (items: SessionItem[]) => plainRows(items.flatMap(({ rows }) => rows.messages))
