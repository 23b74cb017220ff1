import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { formatTimestamp } from '../timestamp.ts'
import { oneOfWords } from './check-given.ts'
import { type AgentExecution, execution } from './entities/execution.ts'
import type { EntityRow } from './entity.ts'
import { createRecords, getRecord, updateRecord } from './repository.ts'

const ENDINGS = ['completed', 'failed', 'cancelled'] as const
export type Ending = (typeof ENDINGS)[number]

/**
 * Makes executions, all or none; one that is made as ended has ended now, unless its time is given. Throws
 * INVALID.
 */
export function createExecutions(
  writer: Connection,
  inputs: readonly EntityRow[],
  now: Date,
): Promise<AgentExecution[]> {
  const complete = inputs.map((input) => {
    const ended = input.status !== undefined && input.status !== 'running' && input.completed_at === undefined
    return ended ? { ...input, completed_at: formatTimestamp(now) } : input
  })
  return createRecords(writer, execution, complete, now)
}

/** Ends a running execution with its result or error. Throws INVALID when it has ended already, NOT_FOUND. */
export async function endExecution(
  writer: Connection,
  named: string,
  status: Ending,
  fields: EntityRow,
  now: Date,
): Promise<AgentExecution> {
  oneOfWords('execution: status', status, ENDINGS)
  const current = await getRecord(writer, execution, named)
  if (current.status !== 'running') {
    throw new AppError('INVALID', `execution ${current.id} is not running, it is ${current.status}`, {
      hint: { step: 'get_record', entity: 'execution', id: current.id },
    })
  }
  const changes = { ...fields, status, completed_at: formatTimestamp(now) }
  return updateRecord(writer, execution, current.id, changes, now)
}
