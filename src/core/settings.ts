import type { Connection } from './connection.ts'
import { setting } from './entities/setting.ts'
import type { EntityRow } from './entity.ts'
import { queryBuilder } from './query-builder.ts'
import { createRecords, updateRecord } from './repository.ts'
import { formatTimestamp } from './timestamp.ts'

const DEFAULT_SETTINGS = [
  ['default_model', 'llama2', 'The model that a new chat uses'],
  ['max_history_length', '100', 'How many earlier messages are sent along with a new one'],
  ['auto_save_interval', '30', 'Seconds between two automatic saves'],
  ['theme', 'system', 'Colours of the app: light, dark, or as the system has them'],
  ['temperature', '0.7', 'How freely a model answers, from 0 (strict) to 2 (free)'],
  ['max_tokens', '2048', 'The longest answer that a model may give, in tokens'],
] as const

/** Writes the settings that a new database starts with. */
export async function writeDefaultSettings(writer: Connection, moment: Date): Promise<void> {
  const now = formatTimestamp(moment)
  await queryBuilder(writer)
    .insertInto('settings')
    .values(
      DEFAULT_SETTINGS.map(([key, value, description]) => ({
        key,
        value,
        description,
        created_at: now,
        updated_at: now,
      })),
    )
    .execute()
}

/** Takes away what a new database starts with, where it holds nothing else; true when it was so. */
export async function clearUntouched(writer: Connection): Promise<boolean> {
  const used = await writer.get(
    `SELECT 1 FROM chat_sessions UNION ALL SELECT 1 FROM agents UNION ALL
     SELECT 1 FROM settings WHERE created_at <> updated_at OR key || char(10) || value NOT IN (SELECT value FROM json_each(?))
     LIMIT 1`,
    [JSON.stringify(DEFAULT_SETTINGS.map(([key, value]) => `${key}\n${value}`))],
  )
  if (!used) await writer.run('DELETE FROM settings')
  return !used
}

/** Gives a setting a value; makes it where it is missing, and keeps its description where it is there. */
export async function setSetting(
  writer: Connection,
  key: string,
  value: string,
  now: Date,
): Promise<EntityRow> {
  const known = await writer.get('SELECT 1 FROM settings WHERE key = ?', [key])
  if (known) return updateRecord(writer, setting, key, { value }, now)
  const [row] = await createRecords(writer, setting, [{ key, value }], now)
  return row ?? {}
}
