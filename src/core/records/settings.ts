import type { Connection } from '../engine/connection.ts'
import { formatTimestamp } from '../timestamp.ts'
import { type Setting, setting } from './entities/setting.ts'
import { encodeInput } from './record.ts'
import { createRecords, updateRecord } from './repository.ts'
import { queryBuilder } from './tables.ts'

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

/** Whether a database holds nothing but what a new one starts with. */
export async function isUntouched(reader: Connection): Promise<boolean> {
  const used = await reader.get(
    `SELECT 1 FROM chat_sessions UNION ALL SELECT 1 FROM agents UNION ALL
     SELECT 1 FROM settings WHERE NOT (${UNTOUCHED}) LIMIT 1`,
    [DEFAULT_VALUES],
  )
  return !used
}

/** Whether a setting is there as a new database has it, so that nobody has chosen its value. */
export async function isDefaultSetting(reader: Connection, key: string): Promise<boolean> {
  const found = await reader.get(`SELECT 1 FROM settings WHERE ${UNTOUCHED} AND key = ?2`, [
    DEFAULT_VALUES,
    key,
  ])
  return found !== undefined
}

/**
 * The condition for a setting that is as `writeDefaultSettings` made it; its first parameter is
 * DEFAULT_VALUES.
 */
const UNTOUCHED = 'created_at = updated_at AND key || char(10) || value IN (SELECT value FROM json_each(?1))'
const DEFAULT_VALUES = JSON.stringify(DEFAULT_SETTINGS.map(([key, value]) => `${key}\n${value}`))

/** Gives a setting a value; makes it where it is missing, and keeps its description where it is there. */
export async function setSetting(
  writer: Connection,
  key: string,
  value: string,
  now: Date,
): Promise<Setting> {
  encodeInput(setting, { key, value }, { partial: false })
  const known = await writer.get('SELECT 1 FROM settings WHERE key = ?', [key])
  if (known) return updateRecord(writer, setting, key, { value }, now)
  const [row] = await createRecords(writer, setting, [{ key, value }], now)
  if (!row) throw new Error('a setting that was made was not read back')
  return row
}
