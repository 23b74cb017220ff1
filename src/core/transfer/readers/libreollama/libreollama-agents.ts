import type { Connection, Row } from '../../../engine/connection.ts'
import type { SourceAgent, SourceSetting } from '../../conversation.ts'
import { foreignTable, rowsOf } from '../foreign-table.ts'
import { parseJson, storedJson, storedMetadata } from '../json.ts'
import { asBoolean, asNonBlank, asNumber, asRecord, asText, present } from '../values.ts'
import { type Era, type EraClock, eraId } from './libreollama-era.ts'

const AGENT_COLUMNS = [
  ...['id', 'name', 'description', 'model_name', 'system_prompt', 'temperature', 'max_tokens', 'is_active'],
  ...['created_at', 'updated_at', 'metadata', 'capabilities', 'parameters'],
]

/** The name that LibreOllama shows for the model of an agent without one. */
const NO_MODEL = 'default'

/** Yields the agents of a LibreOllama database, each with its id in that database. */
export async function* readAgents(
  connection: Connection,
  era: Era,
  clock: EraClock,
  timeZone: string,
): AsyncGenerator<{ sourceId: string; agent: SourceAgent }> {
  const table = await foreignTable(connection, 'agents', AGENT_COLUMNS)
  if (!table?.columns.includes('id')) return
  for await (const row of rowsOf(connection, table)) {
    const sourceId = asText(row.id)
    if (sourceId === null) continue
    const agent = agentOf(row, sourceId, era, clock)
    if (clock.assumed()) agent.metadata.source_timezone = timeZone
    yield { sourceId, agent }
  }
}

function agentOf(row: Row, sourceId: string, era: Era, clock: EraClock): SourceAgent {
  const chosen = asRecord(parseJson(row.parameters)) ?? {}
  return {
    id: eraId(era, sourceId, asText(row.created_at), asText(row.name)),
    name: asNonBlank(row.name) ?? `agent ${sourceId}`,
    description: asNonBlank(row.description),
    model_name: asNonBlank(chosen.model) ?? asNonBlank(row.model_name) ?? NO_MODEL,
    system_prompt: asNonBlank(row.system_prompt),
    // D and E have columns, which every change of an agent resets; B and C have only the parameters.
    temperature: asNumber(row.temperature) ?? asNumber(chosen.temperature),
    max_tokens: wholeNumber(row.max_tokens) ?? wholeNumber(chosen.max_tokens),
    is_active: asBoolean(row.is_active, true),
    created_at: clock.read(row.created_at),
    updated_at: clock.read(row.updated_at),
    metadata: era === 'A' ? storedMetadata(row.metadata, 'tools') : laterMetadata(row, era),
  }
}

function laterMetadata(row: Row, era: Era): Record<string, unknown> {
  const [capabilities, parameters] = [row.capabilities, row.parameters].map(storedJson)
  return { source_era: era, source_id: row.id, ...present({ capabilities, parameters }) }
}

function wholeNumber(value: unknown): number | null {
  const number = asNumber(value)
  return number === null ? null : Math.trunc(number)
}

/** Preferences get a key of their own, since some have the name of a setting. */
const PREFERENCE = 'preference.'

/**
 * Yields the settings of a LibreOllama database, then its preferences, with their type as the description
 * when they have none.
 */
export async function* readSettings(connection: Connection): AsyncGenerator<SourceSetting> {
  const settings = await foreignTable(connection, 'settings', ['key', 'value', 'description'])
  if (settings?.columns.includes('key') && settings.columns.includes('value')) {
    for await (const { key, value, description } of rowsOf(connection, settings)) {
      const setting = settingOf(asText(key), value, description)
      if (setting) yield setting
    }
  }
  const columns = ['preference_key', 'preference_value', 'description', 'preference_type']
  const preferences = await foreignTable(connection, 'user_preferences', [...columns, 'preference_type_name'])
  if (!preferences?.columns.includes('preference_key')) return
  for await (const row of rowsOf(connection, preferences)) {
    const key = asText(row.preference_key)
    const description = asNonBlank(row.description) ?? row.preference_type ?? row.preference_type_name ?? null
    const setting = settingOf(key && PREFERENCE + key, row.preference_value, description)
    if (setting) yield setting
  }
}

function settingOf(key: string | null, stored: unknown, description: unknown): SourceSetting | undefined {
  const value = asText(stored)
  return key === null || value === null ? undefined : { key, value, description: asNonBlank(description) }
}
