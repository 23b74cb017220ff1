import type { Connection, Row } from '../connection.ts'
import { quoteName } from '../row-counts.ts'
import type { Part } from './conversation.ts'
import { hasColumns } from './foreign-table.ts'
import { fileName, numberOf, sha256, textOf } from './source-value.ts'

/** The tables by which an attachment belongs to something, with the column that says to what. */
const LINKS = {
  prompt_attachments: 'response_id',
  tool_results_attachments: 'tool_result_id',
  part_attachments: 'part_id',
} as const

/** The tables by which fragments, long texts that are stored once, belong to a response. */
type FragmentLink = 'prompt_fragments' | 'system_fragments'

/** What llm keeps beside prompts and replies, so that it is stored once: attachments and fragments of texts. */
export class LlmStore {
  readonly #connection: Connection
  readonly #tables: ReadonlySet<string>

  private constructor(connection: Connection, tables: ReadonlySet<string>) {
    this.#connection = connection
    this.#tables = tables
  }

  /** Finds out which of their tables there are: they came one after the other. */
  static async make(connection: Connection): Promise<LlmStore> {
    const needed: [string, string[]][] = [
      ['attachments', ['id', 'type', 'path', 'url', 'content']],
      ['fragments', ['id', 'content']],
      ['prompt_fragments', ['response_id', 'fragment_id', 'order']],
      ['system_fragments', ['response_id', 'fragment_id', 'order']],
      ...Object.entries(LINKS).map(([table, owner]): [string, string[]] => [
        table,
        [owner, 'attachment_id', 'order'],
      ]),
    ]
    const found = new Set<string>()
    for (const [table, columns] of needed) if (await hasColumns(connection, table, columns)) found.add(table)
    return new LlmStore(connection, found)
  }

  /** The attachments of a response, a tool's result, or a part of a message; their bytes are not read. */
  async attachments(link: keyof typeof LINKS, owner: unknown): Promise<Part[]> {
    if (!this.#tables.has('attachments') || !this.#tables.has(link)) return []
    const rows = await this.#connection.all(
      `SELECT a.rowid AS number, a."id" AS id, a."type" AS type, a."path" AS path, a."url" AS url,
         CASE typeof(a."content") WHEN 'blob' THEN length(a."content") END AS bytes
       FROM ${quoteName(link)} AS l JOIN "attachments" AS a ON a."id" = l."attachment_id"
       WHERE l.${quoteName(LINKS[link])} = ? ORDER BY l."order"`,
      [ownerKey(owner)],
    )
    return Promise.all(rows.map((row) => this.#attachment(row)))
  }

  async #attachment(row: Row): Promise<Part> {
    const place = textOf(row.url) ?? textOf(row.path)
    return {
      kind: 'attachment',
      name: place?.startsWith('data:') ? null : place && fileName(place),
      type: textOf(row.type),
      bytes: numberOf(row.bytes),
      sha256: await this.#hash(row),
    }
  }

  /** The id of an attachment is the hash of its bytes, but for one that is only an address. */
  async #hash(row: Row): Promise<string | null> {
    const id = textOf(row.id) ?? ''
    if (row.url == null && /^[0-9a-f]{64}$/.test(id)) return id
    if (row.bytes === null) return null
    const stored = await this.#connection.get<{ content: unknown }>(
      'SELECT "content" AS content FROM "attachments" WHERE rowid = ?',
      [numberOf(row.number)],
    )
    return stored?.content instanceof Uint8Array ? sha256(stored.content) : null
  }

  /** The texts that stood before a prompt or a system prompt, in order. */
  async fragments(link: FragmentLink, response: unknown): Promise<string[]> {
    if (!this.#tables.has('fragments') || !this.#tables.has(link)) return []
    const rows = await this.#connection.all(
      `SELECT f."content" AS content FROM ${quoteName(link)} AS l JOIN "fragments" AS f ON f."id" = l."fragment_id"
       WHERE l."response_id" = ? ORDER BY l."order"`,
      [ownerKey(response)],
    )
    return rows.flatMap(({ content }) => textOf(content) ?? [])
  }

  /** One of those texts by its id, or null when it is gone. */
  async fragment(id: unknown): Promise<string | null> {
    if (!this.#tables.has('fragments')) return null
    const row = await this.#connection.get('SELECT "content" AS content FROM "fragments" WHERE "id" = ?', [
      ownerKey(id),
    ])
    return textOf(row?.content)
  }
}

function ownerKey(owner: unknown): string | number | null {
  return typeof owner === 'number' ? owner : textOf(owner)
}
