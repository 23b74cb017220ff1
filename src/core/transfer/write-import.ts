import type { Connection, Value } from '../connection.ts'
import { AppError } from '../errors.ts'
import { insertAll } from '../repository.ts'
import { isDefaultSetting, isUntouched } from '../settings.ts'
import { insertPlain, type PlainRows, plainRows } from './insert-plain.ts'
import type { ImportRow, SessionRows } from './rows.ts'

/** What is done with a record that is there already: left, made as the source has it, or so where the source is newer. */
export type OnConflict = 'skip' | 'replace' | 'newer'

const COUNTED = [
  'sessions_added',
  'sessions_updated',
  'sessions_unchanged',
  'messages_added',
  'messages_updated',
  'messages_removed',
  'agents_added',
  'agents_updated',
  'agents_unchanged',
  'settings_added',
  'settings_updated',
  'settings_unchanged',
  'executions_added',
  'executions_updated',
  'executions_unchanged',
] as const

/** What an import brought, by record. */
export type ImportCounts = Record<(typeof COUNTED)[number], number>

const noCounts = () => Object.fromEntries(COUNTED.map((name) => [name, 0])) as ImportCounts

/** A session that is to be written whole. */
interface SessionItem {
  kind: 'session'
  id: string
  rows: SessionRows
}

/** Something that is to be written: a session, or one record of another kind. */
export type ImportItem = SessionItem | { kind: 'record'; table: RecordTable; row: ImportRow }

export type RecordTable = 'agents' | 'settings' | 'agent_executions'

const KEYS = { agents: 'id', settings: 'key', agent_executions: 'id' } as const
const NOUNS = { agents: 'agents', settings: 'settings', agent_executions: 'executions' } as const

/** Milliseconds between two commits. */
const COMMIT_EVERY = 1000
/** What is gathered before it is written: rows of messages, and characters in them. */
const GATHERED = { rows: 1000, characters: 250000 }

/** Sessions that are written together: each once, with all of their rows as they go to SQLite. */
interface SessionBatch {
  items: SessionItem[]
  first: Map<string, SessionItem>
  sessions: PlainRows
  messages: PlainRows
}

type Batch = SessionBatch | { record: ImportItem }

/** Items in their order, sessions that stand together as one batch; a dry run needs no rows. */
function batchesOf(items: readonly ImportItem[], dryRun: boolean): Batch[] {
  const batches: Batch[] = []
  let sessions: SessionItem[] = []
  const close = () => {
    if (sessions.length > 0) batches.push(sessionBatch(sessions, dryRun))
    sessions = []
  }
  for (const item of items) {
    if (item.kind === 'session') sessions.push(item)
    else {
      close()
      batches.push({ record: item })
    }
  }
  close()
  return batches
}

function sessionBatch(items: SessionItem[], dryRun: boolean): SessionBatch {
  const first = new Map<string, SessionItem>()
  for (const item of items) if (!first.has(item.id)) first.set(item.id, item)
  const fresh = dryRun ? [] : [...first.values()]
  return {
    items,
    first,
    sessions: plainRows(fresh.map(({ rows }) => rows.session)),
    messages: messagesOf(fresh),
  }
}

const messagesOf = (items: SessionItem[]) => plainRows(items.flatMap(({ rows }) => rows.messages))

/** Told of an item that the database refuses; then nothing of it is there. */
export type OnItemRefused = (item: ImportItem, reason: string) => Promise<void>

/**
 * The one writer of everything that is imported. Each conversation is whole or not there. Several share a statement and
 * a commit, which makes the difference between minutes and seconds: the full-text index writes a piece of itself at
 * every commit. While one batch is written the next may be read. `finish` commits all that was given, so that it stays
 * when the import is interrupted; importing again adds only what is new.
 */
export class ImportWriter {
  readonly counts = noCounts()
  readonly #connection: Connection
  readonly #onConflict: OnConflict
  readonly #dryRun: boolean
  readonly #onRefused: OnItemRefused
  #gathered: ImportItem[] = []
  #rows = 0
  #characters = 0
  #writing: Promise<void> = Promise.resolve()
  /** What ended the writing, where something did. */
  failure: unknown
  /** When the open transaction began. */
  #began: number | undefined
  /** What a dry run would have written so far: sessions with the number of their messages, and other records. */
  readonly #imagined = new Map<string, number>()
  /** Whether a dry run would have taken away the settings of a new database. */
  #imaginesNoSettings = false

  /** For a dry run a reader, or nothing where there is no database yet; else the writer, outside a transaction. */
  constructor(
    connection: Connection | undefined,
    options: { onConflict: OnConflict; dryRun: boolean; onRefused: OnItemRefused },
  ) {
    this.#connection = connection ?? NO_DATABASE
    this.#onConflict = options.onConflict
    this.#dryRun = options.dryRun
    this.#onRefused = options.onRefused
  }

  /** Takes an item, to be written with others in the order in which they came; true when it is time to `flush`. */
  add(item: ImportItem): boolean {
    this.#gathered.push(item)
    this.#rows++
    for (const message of item.kind === 'session' ? item.rows.messages : []) {
      this.#rows++
      for (const text of message.values()) this.#characters += typeof text === 'string' ? text.length : 0
    }
    return this.#rows >= GATHERED.rows || this.#characters >= GATHERED.characters
  }

  /** Begins to write what was taken; waits only for what was begun before, so that more can be read meanwhile. */
  async flush(): Promise<void> {
    const batches = batchesOf(this.#gathered, this.#dryRun)
    this.#gathered = []
    this.#rows = 0
    this.#characters = 0
    await this.#writing
    this.#writing = this.#write(batches)
    this.#writing.catch((error) => {
      this.failure = error // told by the next who waits for it
    })
  }

  /** Writes and commits everything that was given. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#writing
    await this.#commit()
  }

  /** Gives up what was written since the last commit, after a failure. */
  async abandon(): Promise<void> {
    await this.#writing.catch(() => {})
    if (this.#began === undefined) return
    this.#began = undefined
    await this.#connection.run('ROLLBACK').catch(() => {})
  }

  /** Takes away what a new database starts with, where it holds nothing else, after everything that was given before. */
  async clearUntouched(): Promise<void> {
    await this.flush()
    await this.#writing
    await this.#begin()
    if (!(await isUntouched(this.#connection))) return
    if (this.#dryRun) this.#imaginesNoSettings = true
    else await this.#connection.run('DELETE FROM settings')
  }

  async #write(batches: Batch[]): Promise<void> {
    if (batches.length === 0) return
    await this.#begin()
    for (const batch of batches) {
      if ('record' in batch) await this.#writeOne(batch.record)
      else await this.#writeSessions(batch)
    }
    if (this.#began !== undefined && performance.now() - this.#began > COMMIT_EVERY) await this.#commit()
  }

  /** Those that are new at once, the others one by one. */
  async #writeSessions(batch: SessionBatch): Promise<void> {
    const fresh = this.#dryRun ? await this.#unknown(batch.first) : await this.#insertFresh(batch)
    this.counts.sessions_added += fresh.size
    for (const item of batch.items) {
      if (fresh.has(item)) this.counts.messages_added += item.rows.messages.length
      else await this.#writeOne(item)
    }
  }

  /** Writes the sessions that the database does not have; none of them when it refuses anything. */
  async #insertFresh({ first, sessions, messages }: SessionBatch): Promise<Set<SessionItem>> {
    const fresh: SessionItem[] = []
    try {
      const inserted = await insertPlain<{ id: string }>(
        this.#connection,
        'chat_sessions',
        sessions,
        'ON CONFLICT (id) DO NOTHING RETURNING id',
      )
      fresh.push(...inserted.flatMap(({ id }) => first.get(id) ?? []))
      const all = fresh.length === first.size
      await insertPlain(this.#connection, 'chat_messages', all ? messages : messagesOf(fresh))
      return new Set(fresh)
    } catch (error) {
      if (!refusesItem(error)) throw error
      await this.#connection.run('DELETE FROM chat_sessions WHERE id IN (SELECT value FROM json_each(?))', [
        JSON.stringify(fresh.map(({ id }) => id)),
      ])
      return new Set()
    }
  }

  async #unknown(first: Map<string, SessionItem>): Promise<Set<SessionItem>> {
    const unknown = new Map(first)
    const known = await this.#connection.all<{ id: string }>(
      'SELECT id FROM chat_sessions WHERE id IN (SELECT value FROM json_each(?))',
      [JSON.stringify([...first.keys()])],
    )
    for (const id of [...known.map(({ id }) => id), ...this.#imagined.keys()]) unknown.delete(id)
    for (const { id, rows } of unknown.values()) this.#imagined.set(id, rows.messages.length)
    return new Set(unknown.values())
  }

  async #writeOne(item: ImportItem): Promise<void> {
    await this.#atOnce(
      () =>
        item.kind === 'session'
          ? this.#writeSession(this.#connection, item.rows)
          : this.#writeRecord(this.#connection, item.table, item.row),
      (reason) => this.#onRefused(item, reason),
    )
  }

  /** Does all of `work`, or nothing of it where the database refuses a value. */
  async #atOnce(work: () => Promise<void>, refuse?: (reason: string) => Promise<void>): Promise<boolean> {
    const before = { ...this.counts }
    if (!this.#dryRun) await this.#connection.run('SAVEPOINT item')
    try {
      await work()
      if (!this.#dryRun) await this.#connection.run('RELEASE item')
      return true
    } catch (error) {
      Object.assign(this.counts, before)
      if (!refusesItem(error)) throw error
      if (!this.#dryRun) await this.#connection.exec('ROLLBACK TO item; RELEASE item')
      await refuse?.(error.message)
      return false
    }
  }

  async #begin(): Promise<void> {
    if (this.#dryRun || this.#began !== undefined) return
    await this.#connection.run('BEGIN IMMEDIATE')
    this.#began = performance.now()
  }

  async #commit(): Promise<void> {
    if (this.#began === undefined) return
    this.#began = undefined
    await this.#connection.run('COMMIT')
  }

  async #writeSession(connection: Connection, { session, messages }: SessionRows): Promise<void> {
    const id = session.get('id') as Value
    const known = await connection.get<{ updated_at: string }>(
      'SELECT updated_at FROM chat_sessions WHERE id = ?',
      [id],
    )
    if (!known) return this.#writeNewSession(connection, { session, messages })
    const updated = String(session.get('updated_at'))
    const replaces = this.#replaces(updated, known.updated_at)
    const rows = await connection.all<{ id: string }>('SELECT id FROM chat_messages WHERE session_id = ?', [
      id,
    ])
    const present = new Set(rows.map((row) => row.id))
    const fresh = messages.filter((message) => !present.has(String(message.get('id'))))
    const old = replaces ? messages.filter((message) => present.has(String(message.get('id')))) : []
    const changed = await this.#updateAll(connection, old)
    const removed = replaces ? await this.#removeStale(connection, { session, messages }) : 0
    this.counts.messages_added += fresh.length
    this.counts.messages_updated += changed
    this.counts.messages_removed += removed
    if (!this.#dryRun) await insertPlain(connection, 'chat_messages', plainRows(fresh))
    const touched = replaces
      ? await this.#update(connection, 'chat_sessions', 'id', session)
      : fresh.length > 0 && (await this.#touch(connection, id, updated))
    this.counts[touched || changed || removed || fresh.length ? 'sessions_updated' : 'sessions_unchanged']++
  }

  async #writeNewSession(connection: Connection, { session, messages }: SessionRows): Promise<void> {
    const imagined = this.#imagined.get(String(session.get('id')))
    if (imagined !== undefined) {
      const more = Math.max(messages.length - imagined, 0)
      this.counts.messages_added += more
      this.counts[more > 0 ? 'sessions_updated' : 'sessions_unchanged']++
      return
    }
    this.counts.sessions_added++
    this.counts.messages_added += messages.length
    if (this.#dryRun) return
    await insertPlain(connection, 'chat_sessions', plainRows([session]))
    await insertPlain(connection, 'chat_messages', plainRows(messages))
  }

  #replaces(updated: string, known: string | undefined): boolean {
    if (this.#onConflict === 'newer') return known !== undefined && updated > known
    return this.#onConflict === 'replace'
  }

  /**
   * Removes messages that an earlier import brought from the same source and that the source does not have any more, such
   * as the other answer of a chat that went on from a new one. What was written here by hand stays.
   */
  async #removeStale(connection: Connection, { session, messages }: SessionRows): Promise<number> {
    const source = sourceIn(session)
    if (source === undefined) return 0
    const stale = `FROM chat_messages WHERE session_id = ? AND id NOT IN (SELECT value FROM json_each(?))
      AND json_valid(metadata) AND metadata ->> 'source' = ?`
    const ids = messages.map((message) => message.get('id'))
    const parameters = [session.get('id') as Value, JSON.stringify(ids), source]
    if (!this.#dryRun) return connection.run(`DELETE ${stale}`, parameters)
    return (await connection.get<{ n: number }>(`SELECT count(*) AS n ${stale}`, parameters))?.n ?? 0
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
    const id = row.get(KEYS[table]) as Value
    const known = await this.#knownRecord(connection, table, id)
    if (!known) {
      this.counts[`${NOUNS[table]}_added`]++
      if (this.#dryRun) this.#imagined.set(`${table} ${id}`, 0)
      else await insertAll(connection, table, [...row.keys()], [row])
      return
    }
    const replaces =
      this.#replaces(String(row.get('updated_at')), known.updated_at) ||
      (table === 'settings' && (await isDefaultSetting(connection, String(id))))
    const changed = replaces && (await this.#update(connection, table, KEYS[table], row))
    this.counts[`${NOUNS[table]}_${changed ? 'updated' : 'unchanged'}`]++
  }

  async #knownRecord(
    connection: Connection,
    table: RecordTable,
    id: Value,
  ): Promise<{ updated_at?: string } | undefined> {
    if (this.#imagined.has(`${table} ${id}`)) return {}
    if (table === 'settings' && this.#imaginesNoSettings) return undefined
    return connection.get(`SELECT * FROM ${table} WHERE ${KEYS[table]} = ?`, [id])
  }

  /** Makes a row as it is given; whether that changed anything. */
  async #update(connection: Connection, table: string, key: string, row: ImportRow): Promise<boolean> {
    const names = [...row.keys()].filter((name) => name !== key)
    const values = names.map((name) => row.get(name) ?? null)
    // Other programs keep no times of settings: those that they get here are the moment of the import.
    const compared = table === 'settings' ? names.filter((name) => !name.endsWith('_at')) : names
    const differs = compared.map((name) => `${name} IS NOT ?`).join(' OR ')
    const id = row.get(key) as Value
    const found = await connection.get(`SELECT 1 FROM ${table} WHERE ${key} = ? AND (${differs})`, [
      id,
      ...compared.map((name) => row.get(name) ?? null),
    ])
    if (!found) return false
    if (this.#dryRun) return true
    const set = names.map((name) => `${name} = ?`).join(', ')
    await connection.run(`UPDATE ${table} SET ${set} WHERE ${key} = ?`, [...values, id])
    return true
  }
}

/** The program that a session was imported from, as its metadata says. */
function sourceIn(session: ImportRow): string | undefined {
  try {
    const { source } = Object(JSON.parse(String(session.get('metadata'))))
    return typeof source === 'string' ? source : undefined
  } catch {
    return undefined
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
