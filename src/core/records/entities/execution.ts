import { defineEntity, id, metadata, oneOf, type RecordOf, reference, text, time } from '../entity.ts'

/** One run of an agent. */
export const execution = defineEntity({
  name: 'execution',
  table: 'agent_executions',
  key: 'id',
  order: { column: 'started_at', descending: true },
  time: 'started_at',
  columns: {
    id: id(),
    agent_id: reference('agent', 'the agent that ran', { required: true, listed: false }),
    session_id: reference('session', 'the chat it ran for', { listed: false }),
    input: text('what it was given', { required: true, long: true }),
    output: text('what it gave', { flag: 'result', long: true, listed: false }),
    status: oneOf(['running', 'completed', 'failed', 'cancelled'], 'how it stands', {
      initial: 'running',
      byVerbs: true,
    }),
    started_at: time('when it began', { moment: 'created' }),
    completed_at: time('when it ended', { nullable: true, listed: false }),
    error_message: text('why it failed', { flag: 'error', listed: false }),
    metadata: metadata(),
  },
})

/** One run of an agent as programs see it; times are RFC 3339 UTC with microseconds. */
export type AgentExecution = RecordOf<typeof execution>
