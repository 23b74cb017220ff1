import type { Connection } from '../../../engine/connection.ts'
import { contentId } from '../../ids.ts'
import { columnTypes, hasColumns } from '../foreign-table.ts'
import { type NaiveTime, readTime, zoneClock } from '../times.ts'

/** The shapes of LibreOllama's own database, oldest first; A is Phase 2.1. */
export type Era = 'A' | 'B' | 'C' | 'D' | 'E'

/**
 * Detects which of LibreOllama's shapes a database has from its columns, since one version number had two
 * meanings; `wreck` for one whose chats a newer LibreOllama dropped before it stopped part-way; undefined for
 * a database of another program.
 */
export async function libreOllamaEra(connection: Connection): Promise<Era | 'wreck' | undefined> {
  const types = await columnTypes(connection, 'chat_sessions')
  if (types.size === 0) return (await isWreck(connection)) ? 'wreck' : undefined
  if (!types.has('id') || !types.has('created_at')) return undefined
  const has = (...columns: string[]) => columns.every((column) => types.has(column))
  if (has('title', 'is_archived')) {
    const settings = await hasColumns(connection, 'settings', ['key', 'value'])
    return types.get('id') === 'TEXT' && settings ? 'A' : undefined
  }
  if (has('title', 'session_name', 'context_length')) return has('model_id') ? 'E' : 'D'
  if (!has('session_name', 'user_id') || has('title')) return undefined
  return has('outgoing_links_count') ? 'B' : 'C'
}

async function isWreck(connection: Connection): Promise<boolean> {
  const executions = await columnTypes(connection, 'agent_executions')
  const settings = await hasColumns(connection, 'settings', ['key', 'value'])
  const versions = await hasColumns(connection, 'schema_version', ['version'])
  return executions.get('id') === 'TEXT' && executions.has('agent_id') && settings && versions
}

/** Reads the times of one era, and remembers whether a zone had to be assumed. */
export interface EraClock {
  read(value: unknown): string | null
  /** Returns true when a time was assumed to be local since the last call. */
  assumed(): boolean
}

/**
 * Returns the clock of an era. B and C wrote local time without its offset, and so did D and E, except that
 * there a time in whole seconds comes from SQLite, in UTC; A wrote UTC only. Throws INVALID for an unknown
 * zone.
 */
export function eraClock(era: Era, timeZone: string): EraClock {
  const local = zoneClock(timeZone)
  let assumed = false
  const naive: NaiveTime = (wall, fraction) => {
    if (era === 'A' || ((era === 'D' || era === 'E') && fraction === '')) return wall
    assumed = true
    return local(wall, fraction)
  }
  return {
    read: (value) => readTime(value, naive),
    assumed: () => {
      const answer = assumed
      assumed = false
      return answer
    },
  }
}

/**
 * Derives an id that is the same whenever this row is read, and another for a row of another database. After
 * era A rows are numbered, so that every database has a chat 1; its creation time, as stored, distinguishes
 * them, or else something in the row that does not change, such as how a chat began.
 */
export function eraId(
  era: Era,
  id: string,
  createdAt: string | null,
  otherwise: string | null = null,
): string {
  if (era === 'A') return id
  if (createdAt !== null) return `${id}@${createdAt}`
  return otherwise === null ? id : `${id}#${contentId(otherwise)}`
}
