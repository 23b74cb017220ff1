import type { Connection, Row, Value } from '../../engine/connection.ts'
import { insertAll } from '../../records/repository.ts'
import { isDefaultSetting } from '../../records/settings.ts'
import { ignoredError, refuseIgnored, refusing } from '../../schema/ignored-changes.ts'
import { readStoredTime } from '../../schema/stored-values.ts'
import type { ImportCounts } from './import-counts.ts'
import type { ImportGuard } from './import-guard.ts'
import type { RecordItem, RecordTable, SessionItem } from './import-items.ts'
import { plainRows } from './insert-plain.ts'
import type { ImportRow, SessionRows } from './rows.ts'

/**
 * The treatment of a record that already exists: leave it, replace it with the source's, or do so only when
 * the source is newer.
 */
export type OnConflict = 'skip' | 'replace' | 'newer'

const KEYS = { agents: 'id', settings: 'key', agent_executions: 'id' } as const
const NOUNS = { agents: 'agents', settings: 'settings', agent_executions: 'executions' } as const

/** The records that a dry run would have written so far. */
export interface Imagined {
  /** Sessions by id, with the number of their messages. */
  sessions: Map<string, number>
  /** Other records, as table and key. */
  records: Set<string>
  /** True when it would have removed the default settings of a new database. */
  noSettings: boolean
}

/** Options for merging items with existing records, one at a time. */
export interface MergeOptions {
  /** Inside a transaction; for a dry run a reader. */
  connection: Connection
  guard: ImportGuard
  onConflict: OnConflict
  dryRun: boolean
  counts: ImportCounts
  imagined: Imagined
}

/** Merges single items into the database, beside or over its own records. */
export class ItemMerger {
  readonly #connection: Connection
  readonly #guard: ImportGuard
  readonly #onConflict: OnConflict
  readonly #dryRun: boolean
  readonly #counts: ImportCounts
  readonly #imagined: Imagined

  constructor(options: MergeOptions) {
    this.#connection = options.connection
    this.#guard = options.guard
    this.#onConflict = options.onConflict
    this.#dryRun = options.dryRun
    this.#counts = options.counts
    this.#imagined = options.imagined
  }

  /** Writes an item and counts the outcome. Throws INVALID when the database rejects a value. */
  write(item: SessionItem | RecordItem): Promise<void> {
    return item.kind === 'session' ? this.#session(item.rows) : this.#record(item.table, item.row)
  }

  async #session({ session, messages }: SessionRows): Promise<void> {
    const id = session.get('id') as Value
    const known = await this.#connection.get<{ updated_at: unknown }>(
      'SELECT updated_at FROM chat_sessions WHERE id = ?',
      [id],
    )
    if (!known) return this.#newSession({ session, messages })
    const updated = session.get('updated_at') as Value
    const replaces = this.#replaces(updated, known.updated_at)
    const present = await this.#presentMessages(id, replaces ? [...(messages[0]?.keys() ?? ['id'])] : ['id'])
    const fresh = messages.filter((message) => !present.has(String(message.get('id'))))
    const changed = replaces ? await this.#updateAll(messages, present) : 0
    const removed = replaces ? await this.#removeStale({ session, messages }) : 0
    this.#counts.messages_added += fresh.length
    this.#counts.messages_updated += changed
    this.#counts.messages_removed += removed
    if (!this.#dryRun) await this.#guard.insert('chat_messages', plainRows(fresh))
    const touched = replaces
      ? await this.#update('chat_sessions', 'id', session)
      : fresh.length > 0 && (await this.#touch(id, updated, known.updated_at))
    this.#counts[touched || changed || removed || fresh.length ? 'sessions_updated' : 'sessions_unchanged']++
  }

  async #newSession({ session, messages }: SessionRows): Promise<void> {
    const imagined = this.#imagined.sessions.get(String(session.get('id')))
    if (imagined !== undefined) {
      const more = Math.max(messages.length - imagined, 0)
      this.#counts.messages_added += more
      this.#counts[more > 0 ? 'sessions_updated' : 'sessions_unchanged']++
      return
    }
    this.#counts.sessions_added++
    this.#counts.messages_added += messages.length
    if (this.#dryRun) return
    await this.#guard.insert('chat_sessions', plainRows([session]))
    await this.#guard.insert('chat_messages', plainRows(messages))
  }

  #replaces(updated: unknown, known: unknown): boolean {
    if (this.#onConflict === 'newer') return known !== undefined && isLater(updated, known)
    return this.#onConflict === 'replace'
  }

  /**
   * Removes messages that an earlier import added from the same source and that the source no longer has,
   * such as the other answer of a chat that continued from a new one. Messages written here by hand stay.
   */
  async #removeStale({ session, messages }: SessionRows): Promise<number> {
    const source = sourceIn(session)
    if (source === undefined) return 0
    const stale = `FROM chat_messages WHERE session_id = ? AND id NOT IN (SELECT value FROM json_each(?))
      AND json_valid(metadata) AND metadata ->> 'source' = ?`
    const ids = messages.map((message) => message.get('id'))
    const parameters = [session.get('id') as Value, JSON.stringify(ids), source]
    const count = async () =>
      (await this.#connection.get<{ n: number }>(`SELECT count(*) AS n ${stale}`, parameters))?.n ?? 0
    if (this.#dryRun) return count()
    const removed = await this.#connection.run(`DELETE ${stale}`, parameters)
    if (this.#guard.watches && (await count()) > 0)
      throw await ignoredError(this.#connection, 'chat_messages', 'delete')
    return removed
  }

  async #presentMessages(session: Value, columns: string[]): Promise<Map<string, Row>> {
    const rows = await this.#connection.all<Row & { id: string }>(
      `SELECT ${columns.join(', ')} FROM chat_messages WHERE session_id = ?`,
      [session],
    )
    return new Map(rows.map((row) => [row.id, row]))
  }

  /** Updates the messages that differ from the existing ones; returns their number. */
  async #updateAll(messages: ImportRow[], present: Map<string, Row>): Promise<number> {
    let changed = 0
    for (const message of messages) {
      const row = present.get(String(message.get('id')))
      if (!row || [...message].every(([name, value]) => isStoredAs(value, row[name]))) continue
      changed++
      if (!this.#dryRun) await this.#set('chat_messages', 'id', message)
    }
    return changed
  }

  /**
   * Updates the time of a chat that gets new messages but otherwise stays unchanged; the time never moves
   * back.
   */
  async #touch(id: Value, updated: Value, known: unknown): Promise<boolean> {
    if (this.#dryRun || !isLater(updated, known)) return true
    const changed = await this.#connection.run('UPDATE chat_sessions SET updated_at = ? WHERE id = ?', [
      updated,
      id,
    ])
    await refuseIgnored(this.#connection, 'chat_sessions', 'update', { changed, meant: 1 })
    return true
  }

  async #record(table: RecordTable, row: ImportRow): Promise<void> {
    const id = row.get(KEYS[table]) as Value
    const known = await this.#knownRecord(table, id)
    if (!known) {
      this.#counts[`${NOUNS[table]}_added`]++
      if (this.#dryRun) this.#imagined.records.add(`${table} ${id}`)
      else {
        await insertAll(this.#connection, table, [...row.keys()], [row])
        await this.#confirm(table, row, 'insert')
      }
      return
    }
    const replaces =
      this.#replaces(row.get('updated_at'), known.updated_at) ||
      (table === 'settings' && (await isDefaultSetting(this.#connection, String(id))))
    const changed = replaces && (await this.#update(table, KEYS[table], row))
    this.#counts[`${NOUNS[table]}_${changed ? 'updated' : 'unchanged'}`]++
  }

  async #knownRecord(table: RecordTable, id: Value): Promise<{ updated_at?: unknown } | undefined> {
    if (this.#imagined.records.has(`${table} ${id}`)) return {}
    if (table === 'settings' && this.#imagined.noSettings) return undefined
    return this.#connection.get(`SELECT * FROM ${table} WHERE ${KEYS[table]} = ?`, [id])
  }

  /** Updates a row to the given values; returns true when that changed anything. */
  async #update(table: string, key: string, row: ImportRow): Promise<boolean> {
    // Other programs keep no times of settings: the ones they get here are the time of the import.
    const compared = [...row.keys()].filter(
      (name) => name !== key && !(table === 'settings' && name.endsWith('_at')),
    )
    const differs = compared.map((name) => `${name} IS NOT ?`).join(' OR ')
    const found = await this.#connection.get(`SELECT 1 FROM ${table} WHERE ${key} = ? AND (${differs})`, [
      row.get(key) as Value,
      ...compared.map((name) => row.get(name) ?? null),
    ])
    if (found && !this.#dryRun) await this.#set(table, key, row)
    return found !== undefined
  }

  async #set(table: string, key: string, row: ImportRow): Promise<void> {
    const names = [...row.keys()].filter((name) => name !== key)
    const or = this.#guard.watches ? await refusing(this.#connection, table) : ''
    const changed = await this.#connection.run(
      `UPDATE ${or} ${table} SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE ${key} = ?`,
      [...names, key].map((name) => row.get(name) ?? null),
    )
    await refuseIgnored(this.#connection, table, 'update', { changed, meant: 1 })
    await this.#confirm(table, row, 'update')
  }

  async #confirm(table: string, row: ImportRow, change: 'insert' | 'update'): Promise<void> {
    if (this.#guard.watches) await this.#guard.confirm(table, plainRows([row]), change)
  }
}

/**
 * Returns true when a time of a source is later than a stored one; in an export of this program, a number may
 * be text.
 */
function isLater(updated: unknown, known: unknown): boolean {
  return momentOf(updated) > momentOf(known)
}

function momentOf(time: unknown): string {
  const isNumber = typeof time === 'string' && NUMBER.test(time)
  return readStoredTime(isNumber ? Number(time) : time) ?? String(time)
}

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i

/**
 * Returns true when a value would be stored as the existing one: a number column converts digits to a number.
 */
function isStoredAs(value: Value, stored: unknown): boolean {
  return typeof stored === 'number' && typeof value === 'string' ? Number(value) === stored : value === stored
}

/** Returns the program that a session was imported from, according to its metadata. */
function sourceIn(session: ImportRow): string | undefined {
  try {
    const { source } = Object(JSON.parse(String(session.get('metadata'))))
    return typeof source === 'string' ? source : undefined
  } catch {
    return undefined
  }
}
