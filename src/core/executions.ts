import type { Connection } from './connection.ts'
import { execution } from './entities/execution.ts'
import type { EntityRow } from './entity.ts'
import { AppError } from './errors.ts'
import { getRecord, updateRecord } from './repository.ts'
import { formatTimestamp } from './timestamp.ts'

export type Ending = 'completed' | 'failed' | 'cancelled'

/** Ends a running execution with its result or error. Throws INVALID when it has ended already, NOT_FOUND. */
export async function endExecution(
  writer: Connection,
  named: string,
  status: Ending,
  fields: EntityRow,
  now: Date,
): Promise<EntityRow> {
  const current = await getRecord(writer, execution, named)
  if (current.status !== 'running') {
    throw new AppError('INVALID', `execution ${current.id} is not running, it is ${current.status}`, {
      hint: `libreollama-db execution get ${current.id}`,
    })
  }
  const changes = { ...fields, status, completed_at: formatTimestamp(now) }
  return updateRecord(writer, execution, String(current.id), changes, now)
}
