import type { Connection } from '../engine/connection.ts'
import { timeOrderSql, truthSql } from '../schema/stored-values.ts'
import { timeCondition } from './list-records.ts'

/** The ids of the sessions that have not changed since `before`. */
export async function findPrunable(
  connection: Connection,
  before: Date,
  onlyArchived: boolean,
): Promise<string[]> {
  const old = timeCondition('updated_at', '<', before)
  const archived = onlyArchived ? `AND ${truthSql('is_archived')}` : ''
  const rows = await connection.all<{ id: string }>(
    `SELECT id FROM chat_sessions WHERE ${old.sql} ${archived} ORDER BY ${timeOrderSql('updated_at')}`,
    old.parameters,
  )
  return rows.map(({ id }) => id)
}
