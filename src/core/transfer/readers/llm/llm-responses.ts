import type { Connection } from '../../../engine/connection.ts'
import type { Conversation, Part } from '../../conversation.ts'
import { foreignTable, type NumberedRow, ROW, RowGroups, rowsOf } from '../foreign-table.ts'
import { storedJson } from '../json.ts'
import { reasoningParts, textParts, toolCall } from '../parts.ts'
import { asText, compareTexts } from '../values.ts'
import type { LlmStore } from './llm-attachments.ts'
import { answerOf, conversationOf, type Turn, turnOf } from './llm-turns.ts'

const RESPONSE_COLUMNS = [
  ...['id', 'model', 'prompt', 'system', 'options_json', 'response', 'conversation_id', 'duration_ms'],
  ...['datetime_utc', 'input_tokens', 'output_tokens', 'token_details', 'resolved_model', 'reasoning'],
]
const CALL_COLUMNS = ['id', 'response_id', 'name', 'arguments']
const RESULT_COLUMNS = ['id', 'response_id', 'name', 'output', 'exception']

/** The middle generation of llm's tables: conversations of responses, each a prompt with its reply. */
export class Responses {
  readonly #connection: Connection
  readonly #store: LlmStore
  readonly #responses: RowGroups
  readonly #calls: RowGroups
  readonly #results: RowGroups

  private constructor(
    connection: Connection,
    store: LlmStore,
    [responses, calls, results]: [RowGroups, RowGroups, RowGroups],
  ) {
    this.#connection = connection
    this.#store = store
    this.#responses = responses
    this.#calls = calls
    this.#results = results
  }

  /** Collects which response belongs to which conversation; one without a conversation is one of its own. */
  static async make(connection: Connection, store: LlmStore): Promise<Responses> {
    const table = async (name: string, columns: string[]) => foreignTable(connection, name, columns)
    const responses = await table('responses', RESPONSE_COLUMNS)
    const byConversation = await RowGroups.make(
      connection,
      responses,
      ['conversation_id', 'id'],
      (row) => row.conversation_id ?? row.id,
    )
    const byResponse = async (name: string, columns: string[]) =>
      RowGroups.make(connection, await table(name, columns), ['response_id'], (row) => row.response_id)
    const calls = await byResponse('tool_calls', CALL_COLUMNS)
    const results = await byResponse('tool_results', RESULT_COLUMNS)
    return new Responses(connection, store, [byConversation, calls, results])
  }

  /** Yields the conversations except those that `skip` names. */
  async *conversations(skip: (id: string) => boolean): AsyncGenerator<Conversation> {
    const seen = new Set<string>()
    const table = await foreignTable(this.#connection, 'conversations', ['id', 'name', 'model'])
    if (table?.columns.includes('id')) {
      for await (const row of rowsOf(this.#connection, table)) {
        const id = asText(row.id)
        if (id === null) continue
        seen.add(id)
        if (!skip(id)) yield conversationOf(id, await this.turns(id), row)
      }
    }
    for (const id of this.#responses.keys()) {
      if (!seen.has(id) && !skip(id)) yield conversationOf(id, await this.turns(id))
    }
  }

  /** Returns the turns of a conversation in order of their ids, which are chronological. */
  async turns(conversation: string): Promise<Turn[]> {
    const rows = await this.#responses.of(conversation)
    rows.sort((one, other) => compareTexts(asText(one.id) ?? '', asText(other.id) ?? ''))
    const turns: Turn[] = []
    for (const row of rows) turns.push(await this.#turn(row))
    return turns
  }

  async #turn(row: NumberedRow): Promise<Turn> {
    const id = asText(row.id) ?? `row ${row[ROW]}`
    const prompt = [...(await this.#store.fragments('prompt_fragments', row.id)), asText(row.prompt)]
    const system = [...(await this.#store.fragments('system_fragments', row.id)), asText(row.system)]
    return turnOf(id, row, {
      system: system.filter(Boolean).join('\n\n') || null,
      asked: [
        ...textParts(prompt.filter(Boolean).join('\n')),
        ...(await this.#store.attachments('prompt_attachments', row.id)),
      ],
      results: await this.#resultsOf(row.id),
      replied: [
        ...reasoningParts(row.reasoning),
        ...textParts(row.response),
        ...(await this.#callsOf(row.id)),
      ],
    })
  }

  async #callsOf(response: unknown): Promise<Part[]> {
    const rows = await this.#calls.of(response)
    return rows.map((row) => toolCall(row.name, storedJson(row.arguments)))
  }

  async #resultsOf(response: unknown): Promise<Part[]> {
    const parts: Part[] = []
    for (const row of await this.#results.of(response)) {
      parts.push(answerOf(row.name, asText(row.output), row.exception))
      parts.push(...(await this.#store.attachments('tool_results_attachments', row.id)))
    }
    return parts
  }
}
