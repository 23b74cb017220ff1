import type { Connection, Row } from '../../../engine/connection.ts'
import { type ConversationNode, type Imported, Refused } from '../../conversation.ts'
import { foreignTable, hasColumns, type NumberedRow, RowGroups, rowsOf } from '../foreign-table.ts'
import { readTime } from '../times.ts'
import { asName, asText, compareTexts } from '../values.ts'
import type { LlmStore } from './llm-attachments.ts'
import { Messages, type StoredMessage } from './llm-parts.ts'
import { missingTurns, threadConversation } from './llm-thread.ts'
import { type Turn, usageOf } from './llm-turns.ts'

const TURN_COLUMNS = [
  ...['id', 'thread_id', 'parent_message_hash', 'tip_message_hash', 'model', 'datetime_utc'],
  ...['resolved_model', 'options_json', 'input_tokens', 'output_tokens', 'token_details', 'duration_ms'],
]
const THREAD_COLUMNS = ['id', 'name', 'tip_message_hash', 'forked_from', 'datetime_utc']

/**
 * The time when a message was first said, and the model that took part: messages do not record them, since
 * chats share messages.
 */
interface FirstTurn {
  time: string | null
  model: string | null
}

/** Returns true when a database has the newest generation of llm's tables. */
export async function hasThreads(connection: Connection): Promise<boolean> {
  return (
    (await hasColumns(connection, 'threads', ['id', 'name', 'tip_message_hash'])) &&
    (await hasColumns(connection, 'turns', ['id', 'thread_id', 'tip_message_hash', 'model'])) &&
    (await hasColumns(connection, 'messages', ['hash', 'parent_hash', 'role'])) &&
    (await hasColumns(connection, 'parts', ['message_hash', 'position', 'type']))
  )
}

/** The newest generation of llm's tables: threads, each a path through messages that threads share. */
export class Threads {
  readonly #connection: Connection
  readonly #messages: Messages
  readonly #turns: RowGroups
  readonly #first = new Map<string, FirstTurn>()
  readonly #ids = new Set<string>()

  private constructor(connection: Connection, messages: Messages, turns: RowGroups) {
    this.#connection = connection
    this.#messages = messages
    this.#turns = turns
  }

  /** Collects the ids of threads, and the time when each message was first said. */
  static async make(connection: Connection, store: LlmStore): Promise<Threads> {
    const there = await hasThreads(connection)
    const table = there ? await foreignTable(connection, 'turns', TURN_COLUMNS) : undefined
    const keyOf = (row: Row) => row.thread_id ?? row.id
    const turns = await RowGroups.make(connection, table, ['thread_id', 'id'], keyOf)
    const threads = new Threads(connection, await Messages.make(connection, store), turns)
    if (!table) return threads
    for await (const row of rowsOf(connection, table)) threads.#note(row)
    const named = await foreignTable(connection, 'threads', ['id'])
    if (named) {
      for await (const { id } of rowsOf(connection, named)) threads.#ids.add(asText(id) ?? '')
    }
    for (const id of turns.keys()) threads.#ids.add(id)
    return threads
  }

  #note(row: NumberedRow): void {
    const first = { time: readTime(row.datetime_utc), model: asName(row.model) }
    for (const hash of [asText(row.parent_message_hash), asText(row.tip_message_hash)]) {
      if (hash !== null && !this.#first.has(hash)) this.#first.set(hash, first)
    }
  }

  /** Returns true when a conversation exists as a thread. */
  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /**
   * Yields the threads; `older` returns what the older tables have of one, of which only what is missing here
   * is used.
   */
  async *conversations(older: (id: string) => Promise<Turn[]>): AsyncGenerator<Imported> {
    const table = await foreignTable(this.#connection, 'threads', THREAD_COLUMNS)
    if (this.#ids.size === 0 || !table) return
    const seen = new Set<string>()
    for await (const row of rowsOf(this.#connection, table)) {
      const id = asText(row.id)
      if (id === null) continue
      seen.add(id)
      yield await this.#thread(id, row, await older(id))
    }
    for (const id of this.#turns.keys()) {
      if (!seen.has(id)) yield await this.#thread(id, {}, await older(id))
    }
  }

  async #thread(id: string, row: Row, older: readonly Turn[]): Promise<Imported> {
    const turns = await this.#turns.of(id)
    turns.sort((one, other) => compareTexts(asText(one.id) ?? '', asText(other.id) ?? ''))
    const tip = asText(row.tip_message_hash) ?? asText(turns.at(-1)?.tip_message_hash)
    const nodes = await this.#nodes(turns, tip)
    const missing = missingTurns(older, turns, nodes)
    if (nodes.length === 0 && missing.length === 0 && tip !== null) {
      return { kind: 'refused', refused: new Refused(id, 'the messages of the thread are missing') }
    }
    const times = [...older.map(({ time }) => time), ...nodes.map(({ created_at }) => created_at)]
    return {
      kind: 'conversation',
      conversation: threadConversation(id, row, { turns, tip, times, missing, nodes }),
    }
  }

  /** Returns all messages of a thread: the path to its tip, then the paths that it left. */
  async #nodes(turns: readonly NumberedRow[], tip: string | null): Promise<ConversationNode[]> {
    const nodes: ConversationNode[] = []
    const known = new Set<string>()
    const usage = new Map(turns.map((turn) => [asText(turn.tip_message_hash), usageOf(turn)]))
    for (const end of [tip, ...usage.keys()]) {
      const path = await this.#messages.pathTo(end, known)
      const [root] = path
      // The start of a path follows only earlier messages; a cycle leads back into the path.
      if (root?.parent != null && !known.has(root.parent)) root.parent = null
      for (const { hash } of path) known.add(hash)
      nodes.push(...this.#date(path, usage))
    }
    return nodes
  }

  /**
   * Dates the messages of a path: one that no turn names belongs to the turn of the next one that is named.
   */
  #date(
    path: readonly StoredMessage[],
    usage: ReadonlyMap<string | null, Record<string, unknown>>,
  ): ConversationNode[] {
    let first: FirstTurn = { time: null, model: null }
    const dated = path.toReversed().map(({ hash, parent, ...message }): ConversationNode => {
      first = this.#first.get(hash) ?? first
      const isReply = message.role === 'assistant'
      return {
        ...message,
        id: hash,
        parent,
        model_name: isReply ? first.model : null,
        created_at: first.time,
        metadata: { ...message.metadata, ...(isReply ? usage.get(hash) : {}) },
      }
    })
    return dated.toReversed()
  }
}
