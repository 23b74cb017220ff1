import type { Connection } from '../../engine/connection.ts'
import { isEngineError } from '../../engine/engine-errors.ts'
import { AppError } from '../../errors.ts'
import { isUntouched } from '../../records/settings.ts'
import { ignoredError } from '../../schema/ignored-changes.ts'
import { DeferredSearchIndex } from '../../search/search-index.ts'
import { readChats } from './chat-lines.ts'
import { noCounts } from './import-counts.ts'
import { ImportGuard } from './import-guard.ts'
import {
  type Batch,
  batchesOf,
  type ImportItem,
  type LineBatch,
  messagesOf,
  type RecordItem,
  type Refusal,
  type SessionBatch,
  type SessionItem,
} from './import-items.ts'
import { insertMessageLines, insertNewRows, isPlainRow, type PlainRows } from './insert-plain.ts'
import { type Imagined, ItemMerger, type OnConflict } from './merge-item.ts'
import type { ImportRow } from './rows.ts'

/** Milliseconds between two commits. */
const COMMIT_EVERY = 1000
/** The limits of what is collected before it is written: rows of messages, and characters in them. */
const GATHERED = { rows: 1000, characters: 250_000 }

/** Called for an item that the database rejects; then none of it is stored. */
export type OnItemRefused = (refusal: Refusal) => Promise<void>

/**
 * The writer of everything that is imported. Each conversation is stored completely or not at all. Several
 * share a statement and a commit, which makes the difference between minutes and seconds: the full-text index
 * writes a piece of itself at every commit. While one batch is written, the next can be read. `finish`
 * commits everything passed to `add`, so that it stays when the import is interrupted; importing again adds
 * only what is new.
 */
export class ImportWriter {
  readonly counts = noCounts()
  readonly #connection: Connection
  readonly #dryRun: boolean
  readonly #onRefused: OnItemRefused
  readonly #onBegin: (() => Promise<void>) | undefined
  #gathered: ImportItem[] = []
  #rows = 0
  #characters = 0
  #writing: Promise<void> = Promise.resolve()
  /** The error that ended the writing, if any. */
  failure: unknown
  /** The start time of the open transaction. */
  #began: number | undefined
  readonly #imagined: Imagined = { sessions: new Map(), records: new Set(), noSettings: false }
  readonly #merger: ItemMerger
  readonly #index: DeferredSearchIndex
  readonly #guard: ImportGuard

  /**
   * Takes the writer, outside a transaction; for a dry run a reader, or nothing when there is no database
   * yet.
   */
  constructor(
    connection: Connection | undefined,
    options: {
      onConflict: OnConflict
      dryRun: boolean
      onRefused: OnItemRefused
      /** Called inside each transaction before anything is written; it may throw. */
      onBegin?: (() => Promise<void>) | undefined
    },
  ) {
    this.#connection = connection ?? NO_DATABASE
    this.#dryRun = options.dryRun
    this.#onRefused = options.onRefused
    this.#onBegin = options.onBegin
    this.#index = new DeferredSearchIndex(this.#connection)
    this.#guard = new ImportGuard(this.#connection)
    const { counts } = this
    this.#merger = new ItemMerger({
      ...options,
      connection: this.#connection,
      guard: this.#guard,
      counts,
      imagined: this.#imagined,
    })
  }

  /**
   * Adds an item, to be written with others in order; returns true when it is time to `flush`. Throws INVALID
   * for one with a text that is too long.
   */
  add(item: ImportItem): boolean {
    if (item.kind !== 'lines' && !rowsIn(item).every(isPlainRow)) throw tooLong()
    this.#gathered.push(item)
    this.#rows++
    if (item.kind === 'lines') this.#characters += item.json.length
    for (const message of item.kind === 'session' ? item.rows.messages : []) {
      this.#rows++
      for (const text of message.values()) this.#characters += typeof text === 'string' ? text.length : 0
    }
    return this.#rows >= GATHERED.rows || this.#characters >= GATHERED.characters
  }

  /** Starts to write what was added; waits only for earlier writes, so that more can be read meanwhile. */
  async flush(): Promise<void> {
    const batches = batchesOf(this.#gathered, this.#dryRun)
    this.#gathered = []
    this.#rows = 0
    this.#characters = 0
    await this.#writing
    this.#start(this.#write(batches))
  }

  #start(writing: Promise<void>): void {
    this.#writing = writing
    writing.catch((error) => {
      this.failure = error // reported by the next one who awaits it
    })
  }

  /** Writes and commits everything that was added. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#writing
    await this.#commit()
  }

  /** Abandons what was written since the last commit, after a failure. */
  async abandon(): Promise<void> {
    await this.#writing.catch(() => {})
    if (this.#began === undefined) return
    this.#began = undefined
    await this.#connection.run('ROLLBACK').catch(() => {})
  }

  /**
   * Removes the content that a new database starts with, if it holds nothing else, after writing everything
   * added before.
   */
  async clearUntouched(): Promise<void> {
    await this.flush()
    await this.#writing
    this.#start(this.#clear())
    await this.#writing
  }

  async #clear(): Promise<void> {
    await this.#begin()
    if (!(await isUntouched(this.#connection))) return
    if (this.#dryRun) this.#imagined.noSettings = true
    else {
      await this.#connection.run('DELETE FROM settings')
      if (await this.#connection.get('SELECT 1 FROM settings'))
        throw await ignoredError(this.#connection, 'settings', 'delete')
    }
  }

  async #write(batches: Batch[]): Promise<void> {
    if (batches.length === 0) return
    await this.#begin()
    for (const batch of batches) await this.#writeBatch(batch)
    if (this.#began !== undefined && performance.now() - this.#began > COMMIT_EVERY) await this.#commit()
  }

  #writeBatch(batch: Batch): Promise<void> {
    if (batch.kind === 'lines') return this.#writeLines(batch)
    return batch.kind === 'sessions' ? this.#writeSessions(batch) : this.#writeOne(batch)
  }

  /** Writes all chats at once when all of them are new, otherwise line by line. */
  async #writeLines({ chats, sessions }: LineBatch): Promise<void> {
    const insertMessages = async (ids: string[]) =>
      ids.length === chats.sessions.length &&
      (await insertMessageLines(this.#connection, chats.json)) === chats.messages
    if (
      !this.#dryRun &&
      !this.#guard.watches &&
      (await this.#insertNew(sessions, insertMessages)).length > 0
    ) {
      this.counts.sessions_added += chats.sessions.length
      this.counts.messages_added += chats.messages
      return
    }
    const items: ImportItem[] = []
    for (const item of readChats(chats)) {
      if (item.kind === 'refused') await this.#onRefused(item)
      else items.push(item)
    }
    for (const batch of batchesOf(items, this.#dryRun)) await this.#writeBatch(batch)
  }

  /** Writes the new sessions at once, the others one by one. */
  async #writeSessions(batch: SessionBatch): Promise<void> {
    const fresh = this.#dryRun
      ? await this.#unknown(batch.first)
      : this.#guard.watches // each separately, so that it can be rolled back separately
        ? new Set<SessionItem>()
        : await this.#insertSessions(batch)
    this.counts.sessions_added += fresh.size
    for (const item of batch.items) {
      if (fresh.has(item)) this.counts.messages_added += item.rows.messages.length
      else await this.#writeOne(item)
    }
  }

  /** Writes the sessions that the database does not have; none of them when it rejects anything. */
  async #insertSessions({ first, sessions, messages }: SessionBatch): Promise<Set<SessionItem>> {
    const itemsOf = (ids: string[]) => ids.flatMap((id) => first.get(id) ?? [])
    const ids = await this.#insertNew(sessions, async (ids) => {
      const rows = ids.length === first.size ? messages : messagesOf(itemsOf(ids))
      await this.#guard.insert('chat_messages', rows)
      return true
    })
    return new Set(itemsOf(ids))
  }

  /**
   * Inserts the sessions that the database does not have, and their messages with `insertMessages`; returns
   * the ids of these sessions. Nothing of it is stored when the database rejects a value, or `insertMessages`
   * returns false.
   */
  async #insertNew(
    sessions: PlainRows,
    insertMessages: (ids: string[]) => Promise<boolean>,
  ): Promise<string[]> {
    let ids: string[] = []
    try {
      ids = await insertNewRows(this.#connection, 'chat_sessions', sessions)
      if (await insertMessages(ids)) return ids
    } catch (error) {
      if (!refusesItem(error) && !isMalformedJson(error)) throw error
    }
    await this.#connection.run('DELETE FROM chat_sessions WHERE id IN (SELECT value FROM json_each(?))', [
      JSON.stringify(ids),
    ])
    return []
  }

  async #unknown(first: Map<string, SessionItem>): Promise<Set<SessionItem>> {
    const unknown = new Map(first)
    const known = await this.#connection.all<{ id: string }>(
      'SELECT id FROM chat_sessions WHERE id IN (SELECT value FROM json_each(?))',
      [JSON.stringify([...first.keys()])],
    )
    for (const id of [...known.map(({ id }) => id), ...this.#imagined.sessions.keys()]) unknown.delete(id)
    for (const { id, rows } of unknown.values()) this.#imagined.sessions.set(id, rows.messages.length)
    return new Set(unknown.values())
  }

  /** Writes all of an item, or nothing of it when the database rejects a value. */
  async #writeOne(item: SessionItem | RecordItem): Promise<void> {
    const before = { ...this.counts }
    if (!this.#dryRun) await this.#connection.run('SAVEPOINT item')
    try {
      await this.#merger.write(item)
      if (!this.#dryRun) await this.#connection.run('RELEASE item')
    } catch (error) {
      Object.assign(this.counts, before)
      if (!refusesItem(error)) throw error
      if (!this.#dryRun) await this.#connection.exec('ROLLBACK TO item; RELEASE item')
      await this.#onRefused({ file: item.file, id: idOf(item), reason: error.message })
    }
  }

  async #begin(): Promise<void> {
    if (this.#dryRun || this.#began !== undefined) return
    await this.#connection.run('BEGIN IMMEDIATE')
    try {
      await this.#onBegin?.()
    } catch (error) {
      await this.#connection.run('ROLLBACK')
      throw error
    }
    this.#began = performance.now()
    await this.#guard.look()
    await this.#index.defer()
  }

  async #commit(): Promise<void> {
    if (this.#began === undefined) return
    await this.#index.catchUp()
    await this.#connection.run('COMMIT')
    this.#began = undefined
  }
}

function rowsIn(item: SessionItem | RecordItem): ImportRow[] {
  return item.kind === 'session' ? [item.rows.session, ...item.rows.messages] : [item.row]
}

function tooLong(): AppError {
  return new AppError('INVALID', 'a text in it is longer than can be taken over at once', {
    hint: 'look at this conversation in the source',
  })
}

/** The content of a database that does not exist yet, for a dry run. */
const NO_DATABASE: Connection = {
  all: async () => [],
  repeat: async () => [],
  get: async () => undefined,
  run: async () => 0,
  exec: async () => {},
}

/** Returns true when an error concerns one item only, so that the import continues. */
export function refusesItem(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'INVALID'
}

/** Returns true for SQLite's error about a text that it does not accept as JSON. */
const isMalformedJson = (error: unknown) => isEngineError(error) && /malformed JSON/.test(error.message)

function idOf(item: SessionItem | RecordItem): string {
  return item.kind === 'session' ? item.id : String(item.row.get('id') ?? item.row.get('key'))
}
