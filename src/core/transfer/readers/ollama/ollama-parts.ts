import type { Connection } from '../../../engine/connection.ts'
import type { Part } from '../../conversation.ts'
import { attachment, measure } from '../attachments.ts'
import { foreignTable, hasColumns, ROW, RowGroups } from '../foreign-table.ts'
import { storedJson } from '../json.ts'
import { toolCall, toolResult } from '../parts.ts'
import { asText } from '../values.ts'

/** The tool calls and attachments that Ollama's desktop app keeps beside its messages. */
export class MessageExtras {
  readonly #connection: Connection
  readonly #calls: RowGroups
  readonly #attachments: RowGroups

  private constructor(connection: Connection, calls: RowGroups, attachments: RowGroups) {
    this.#connection = connection
    this.#calls = calls
    this.#attachments = attachments
  }

  /** Collects which message has which of them; either table may be missing. */
  static async make(connection: Connection): Promise<MessageExtras> {
    const columns = ['id', 'message_id', 'function_name', 'function_arguments', 'function_result']
    const calls = await foreignTable(connection, 'tool_calls', columns)
    const attachments = (await hasColumns(connection, 'attachments', ['message_id', 'filename', 'data']))
      ? await foreignTable(connection, 'attachments', ['message_id', 'filename'])
      : undefined
    const group = (table: typeof calls) =>
      RowGroups.make(connection, table, ['message_id'], (row) => row.message_id)
    return new MessageExtras(connection, await group(calls), await group(attachments))
  }

  /** Returns the calls of a message, each with its result if that was stored with it. */
  async callsOf(message: unknown): Promise<Part[]> {
    const rows = await this.#calls.of(message)
    return rows.flatMap((row): Part[] => {
      const result = storedJson(row.function_result)
      return [
        toolCall(row.function_name, storedJson(row.function_arguments)),
        ...(result === null ? [] : [toolResult(row.function_name, result)]),
      ]
    })
  }

  /** Returns the attachments of a message: name, size and hash of each; reads their bytes one by one. */
  async attachmentsOf(message: unknown): Promise<Part[]> {
    const parts: Part[] = []
    for (const row of await this.#attachments.of(message)) {
      const stored = await this.#connection.get<{ data: unknown }>(
        'SELECT "data" AS "data" FROM "attachments" WHERE rowid = ?',
        [row[ROW]],
      )
      const data = stored?.data instanceof Uint8Array ? stored.data : asText(stored?.data)
      parts.push(attachment({ name: asText(row.filename), ...(data === null ? {} : measure(data)) }))
    }
    return parts
  }
}
