import type { Value } from '../../engine/connection.ts'
import { formatTimestamp } from '../../timestamp.ts'
import type { SourceAgent, SourceExecution, SourceSetting } from '../conversation.ts'
import { importedId, withOrigin } from '../ids.ts'
import { toJson } from '../readers/json.ts'
import type { ImportRow } from './rows.ts'

/** Returns the row of an agent; `now` replaces times that the source does not have. */
export function agentRow(source: string, agent: SourceAgent, now: Date): ImportRow {
  const moment = formatTimestamp(now)
  const { id, metadata, created_at, updated_at, ...rest } = agent
  return new Map<string, Value>([
    ['id', importedId(source, 'agent', id)],
    ...Object.entries(rest),
    ['created_at', created_at ?? moment],
    ['updated_at', updated_at ?? created_at ?? moment],
    ['metadata', toJson(withOrigin(metadata, source, id))],
  ])
}

/** Returns the row of a run of an agent, with the ids of its agent and session in this database. */
export function executionRow(source: string, execution: SourceExecution, now: Date): ImportRow {
  const { id, agent_id, session_id, started_at, metadata, ...rest } = execution
  return new Map<string, Value>([
    ['id', importedId(source, 'execution', id)],
    ['agent_id', importedId(source, 'agent', agent_id)],
    ['session_id', session_id === null ? null : importedId(source, session_id)],
    ...Object.entries(rest),
    ['started_at', started_at ?? formatTimestamp(now)],
    ['metadata', toJson(withOrigin(metadata, source, id))],
  ])
}

/** Returns the row of a setting; other programs keep no times of settings. */
export function settingRow({ key, value, description }: SourceSetting, now: Date): ImportRow {
  const moment = formatTimestamp(now)
  return new Map<string, Value>([
    ['key', key],
    ['value', value],
    ['description', description],
    ['created_at', moment],
    ['updated_at', moment],
  ])
}
