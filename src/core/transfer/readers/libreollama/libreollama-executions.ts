import type { Connection } from '../../../engine/connection.ts'
import { type Imported, Refused, type SourceExecution } from '../../conversation.ts'
import { foreignTable, type NumberedRow, ROW, rowsOf } from '../foreign-table.ts'
import { storedMetadata } from '../json.ts'
import { asNonBlank, asText } from '../values.ts'
import { type Era, type EraClock, eraId } from './libreollama-era.ts'

const COLUMNS = [
  ...[
    'id',
    'agent_id',
    'session_id',
    'input',
    'output',
    'status',
    'started_at',
    'executed_at',
    'completed_at',
  ],
  ...['error_message', 'metadata'],
]

/** Assigned ids, by the ids in the database. */
export interface GivenIds {
  agents: ReadonlyMap<string, string>
  sessions: ReadonlyMap<string, string>
}

const STATUSES = ['running', 'completed', 'failed', 'cancelled'] as const

/** Yields the runs of agents in a LibreOllama database; refuses one whose agent no longer exists. */
export async function* readExecutions(
  connection: Connection,
  era: Era,
  clock: EraClock,
  { agents, sessions }: GivenIds,
): AsyncGenerator<Imported> {
  const table = await foreignTable(connection, 'agent_executions', COLUMNS)
  if (!table?.columns.includes('agent_id')) return
  for await (const row of rowsOf(connection, table)) {
    const id = asText(row.id) ?? String(row[ROW])
    const agent = agents.get(asText(row.agent_id) ?? '')
    if (agent === undefined) {
      yield { kind: 'refused', refused: new Refused(id, 'the agent that ran this is gone') }
      continue
    }
    const session = sessions.get(asText(row.session_id) ?? '') ?? null
    yield { kind: 'execution', execution: executionOf(row, { id, agent, session }, era, clock) }
  }
}

function executionOf(
  row: NumberedRow,
  { id, agent, session }: { id: string; agent: string; session: string | null },
  era: Era,
  clock: EraClock,
): SourceExecution {
  const word = asText(row.status)?.toLowerCase()
  // A run that is pending in a file that is only read will never run.
  const status = STATUSES.find((known) => known === word) ?? 'cancelled'
  const started = asText(row.started_at ?? row.executed_at)
  return {
    id: eraId(era, id, started, asText(row.input)),
    agent_id: agent,
    session_id: session,
    input: asText(row.input) ?? '',
    output: asText(row.output),
    status,
    started_at: clock.read(started),
    completed_at: clock.read(row.completed_at),
    error_message: asNonBlank(row.error_message),
    metadata: {
      ...storedMetadata(row.metadata),
      ...(status === word ? {} : { source_status: word ?? null }),
    },
  }
}
