import type { Connection, Value } from '../connection.ts'
import type { Database } from '../database.ts'
import { AppError } from '../errors.ts'
import { insertAll } from '../repository.ts'
import type { ImportRow, SessionRows } from './rows.ts'

/** What is done with a record that is there already: left, made as the source has it, or so where the source is newer. */
export type OnConflict = 'skip' | 'replace' | 'newer'

/** What an import brought, by record. */
export interface ImportCounts {
  sessions_added: number
  sessions_updated: number
  sessions_unchanged: number
  messages_added: number
  messages_updated: number
  agents_added: number
  settings_added: number
  executions_added: number
}

export const noCounts = (): ImportCounts => ({
  sessions_added: 0,
  sessions_updated: 0,
  sessions_unchanged: 0,
  messages_added: 0,
  messages_updated: 0,
  agents_added: 0,
  settings_added: 0,
  executions_added: 0,
})

/** Something that is to be written: a session whole, or one record of another kind. */
export type ImportItem =
  | { kind: 'session'; id: string; rows: SessionRows }
  | { kind: 'record'; table: RecordTable; row: ImportRow }

export type RecordTable = 'agents' | 'settings' | 'agent_executions'

const KEYS = { agents: 'id', settings: 'key', agent_executions: 'id' } as const
const COUNTERS = {
  agents: 'agents_added',
  settings: 'settings_added',
  agent_executions: 'executions_added',
} as const

/**
 * The one writer of everything that is imported: a transaction for each session, so that what is finished stays when
 * the import is interrupted, and importing again adds only what is new. Without a database it only counts.
 */
export class ImportWriter {
  readonly counts = noCounts()
  readonly #db: Database | undefined
  readonly #onConflict: OnConflict
  readonly #dryRun: boolean

  constructor(db: Database | undefined, onConflict: OnConflict, dryRun: boolean) {
    this.#db = db
    this.#onConflict = onConflict
    this.#dryRun = dryRun
  }

  /** Writes one item whole. Throws INVALID when the database refuses it; then nothing of it is there. */
  async write(item: ImportItem): Promise<void> {
    const work = (connection: Connection) =>
      item.kind === 'session'
        ? this.#writeSession(connection, item.rows)
        : this.#writeRecord(connection, item.table, item.row)
    const before = { ...this.counts }
    try {
      if (!this.#db) await work(NO_DATABASE)
      else if (this.#dryRun) await this.#db.read(work)
      else await this.#db.transaction(work)
    } catch (error) {
      Object.assign(this.counts, before)
      throw error
    }
  }

  async #writeSession(connection: Connection, { session, messages }: SessionRows): Promise<void> {
    const id = session.get('id') as Value
    const known = await connection.get<{ updated_at: string }>(
      'SELECT updated_at FROM chat_sessions WHERE id = ?',
      [id],
    )
    if (!known) {
      this.counts.sessions_added++
      this.counts.messages_added += messages.length
      if (this.#dryRun) return
      await insertAll(connection, 'chat_sessions', [...session.keys()], [session])
      await insertAll(connection, 'chat_messages', [...(messages[0]?.keys() ?? [])], messages)
      return
    }
    const updated = String(session.get('updated_at'))
    const replaces =
      this.#onConflict === 'replace' || (this.#onConflict === 'newer' && updated > known.updated_at)
    const rows = await connection.all<{ id: string }>('SELECT id FROM chat_messages WHERE session_id = ?', [
      id,
    ])
    const present = new Set(rows.map((row) => row.id))
    const fresh = messages.filter((message) => !present.has(String(message.get('id'))))
    const old = replaces ? messages.filter((message) => present.has(String(message.get('id')))) : []
    const changed = await this.#updateAll(connection, old)
    this.counts.messages_added += fresh.length
    this.counts.messages_updated += changed
    if (!this.#dryRun) await insertAll(connection, 'chat_messages', [...(fresh[0]?.keys() ?? [])], fresh)
    const touched = replaces
      ? await this.#update(connection, 'chat_sessions', 'id', session)
      : fresh.length > 0 && (await this.#touch(connection, id, updated))
    this.counts[touched || changed || fresh.length ? 'sessions_updated' : 'sessions_unchanged']++
  }

  async #updateAll(connection: Connection, messages: ImportRow[]): Promise<number> {
    let changed = 0
    for (const message of messages) {
      if (await this.#update(connection, 'chat_messages', 'id', message)) changed++
    }
    return changed
  }

  /** New messages in a chat that stays as it is: only its time moves, and never back. */
  async #touch(connection: Connection, id: Value, updated: string): Promise<boolean> {
    if (this.#dryRun) return true
    await connection.run('UPDATE chat_sessions SET updated_at = max(updated_at, ?) WHERE id = ?', [
      updated,
      id,
    ])
    return true
  }

  async #writeRecord(connection: Connection, table: RecordTable, row: ImportRow): Promise<void> {
    const key = KEYS[table]
    const known = await connection.get(`SELECT 1 FROM ${table} WHERE ${key} = ?`, [row.get(key) as Value])
    if (known) {
      if (this.#onConflict === 'replace') await this.#update(connection, table, key, row)
      return
    }
    this.counts[COUNTERS[table]]++
    if (!this.#dryRun) await insertAll(connection, table, [...row.keys()], [row])
  }

  /** Makes a row as it is given; whether that changed anything. */
  async #update(connection: Connection, table: string, key: string, row: ImportRow): Promise<boolean> {
    const names = [...row.keys()].filter((name) => name !== key)
    const values = names.map((name) => row.get(name) ?? null)
    const differs = names.map((name) => `${name} IS NOT ?`).join(' OR ')
    const id = row.get(key) as Value
    if (!(await connection.get(`SELECT 1 FROM ${table} WHERE ${key} = ? AND (${differs})`, [id, ...values])))
      return false
    if (this.#dryRun) return true
    const set = names.map((name) => `${name} = ?`).join(', ')
    await connection.run(`UPDATE ${table} SET ${set} WHERE ${key} = ?`, [...values, id])
    return true
  }
}

/** What a dry run into a database that does not exist yet finds there. */
const NO_DATABASE: Connection = {
  all: async () => [],
  get: async () => undefined,
  run: async () => 0,
  exec: async () => {},
}

/** Whether an error concerns one item only, so that the import goes on. */
export function refusesItem(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'INVALID'
}
