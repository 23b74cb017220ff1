import type { Connection, Row } from '../../../engine/connection.ts'
import { quoteName } from '../../../engine/quote-name.ts'
import type { Part } from '../../conversation.ts'
import { attachment, fileName, sha256 } from '../attachments.ts'
import { hasColumns, RowGroups } from '../foreign-table.ts'
import { asNumber, asText } from '../values.ts'

/** The tables that link an attachment to its owner, with the column that names the owner. */
const ATTACHED = {
  prompt_attachments: 'response_id',
  tool_results_attachments: 'tool_result_id',
  part_attachments: 'part_id',
} as const

/** The tables that link fragments, long texts that are stored once, to a response. */
const FRAGMENTS = { prompt_fragments: 'response_id', system_fragments: 'response_id' } as const

/**
 * The attachments and text fragments that llm keeps apart from prompts and replies, so that each is stored
 * once.
 */
export class LlmStore {
  readonly #connection: Connection
  readonly #hasFragments: boolean
  /** The links in the existing tables, by owner. */
  readonly #owners: ReadonlyMap<string, RowGroups>

  private constructor(connection: Connection, hasFragments: boolean, owners: ReadonlyMap<string, RowGroups>) {
    this.#connection = connection
    this.#hasFragments = hasFragments
    this.#owners = owners
  }

  /**
   * Finds which of these tables exist, since they were introduced one after the other, and who owns something
   * in them.
   */
  static async make(connection: Connection): Promise<LlmStore> {
    const owners = new Map<string, RowGroups>()
    const note = async (link: string, owner: string, target: string) => {
      if (!(await hasColumns(connection, link, [owner, target, 'order']))) return
      const table = { name: link, columns: [owner] }
      owners.set(link, await RowGroups.make(connection, table, [owner], (row) => row[owner]))
    }
    if (await hasColumns(connection, 'attachments', ['id', 'type', 'path', 'url', 'content'])) {
      for (const [link, owner] of Object.entries(ATTACHED)) await note(link, owner, 'attachment_id')
    }
    const hasFragments = await hasColumns(connection, 'fragments', ['id', 'content'])
    if (hasFragments) {
      for (const [link, owner] of Object.entries(FRAGMENTS)) await note(link, owner, 'fragment_id')
    }
    return new LlmStore(connection, hasFragments, owners)
  }

  /**
   * Returns the attachments of a response, a tool's result, or a part of a message; does not read their
   * bytes.
   */
  async attachments(link: keyof typeof ATTACHED, owner: unknown): Promise<Part[]> {
    if (!this.#owners.get(link)?.has(owner)) return []
    const rows = await this.#connection.all(
      `SELECT a.rowid AS number, a."id" AS id, a."type" AS type, a."path" AS path, a."url" AS url,
         CASE typeof(a."content") WHEN 'blob' THEN length(a."content") END AS bytes
       FROM ${quoteName(link)} AS l JOIN "attachments" AS a ON a."id" = l."attachment_id"
       WHERE l.${quoteName(ATTACHED[link])} = ? ORDER BY l."order"`,
      [ownerKey(owner)],
    )
    return Promise.all(rows.map((row) => this.#attachment(row)))
  }

  async #attachment(row: Row): Promise<Part> {
    const place = asText(row.url) ?? asText(row.path)
    return attachment({
      name: place?.startsWith('data:') ? null : place && fileName(place),
      type: asText(row.type),
      bytes: asNumber(row.bytes),
      sha256: await this.#hash(row),
    })
  }

  /**
   * Returns the hash of an attachment: its id is the hash of its bytes, except for one that is only an
   * address.
   */
  async #hash(row: Row): Promise<string | null> {
    const id = asText(row.id) ?? ''
    if (row.url == null && /^[0-9a-f]{64}$/.test(id)) return id
    if (row.bytes === null) return null
    const stored = await this.#connection.get<{ content: unknown }>(
      'SELECT "content" AS content FROM "attachments" WHERE rowid = ?',
      [asNumber(row.number)],
    )
    return stored?.content instanceof Uint8Array ? sha256(stored.content) : null
  }

  /** Returns the texts that preceded a prompt or a system prompt, in order. */
  async fragments(link: keyof typeof FRAGMENTS, response: unknown): Promise<string[]> {
    if (!this.#owners.get(link)?.has(response)) return []
    const rows = await this.#connection.all(
      `SELECT f."content" AS content FROM ${quoteName(link)} AS l JOIN "fragments" AS f ON f."id" = l."fragment_id"
       WHERE l.${quoteName(FRAGMENTS[link])} = ? ORDER BY l."order"`,
      [ownerKey(response)],
    )
    return rows.flatMap(({ content }) => asText(content) ?? [])
  }

  /** Returns one of those texts by its id, or null when it no longer exists. */
  async fragment(id: unknown): Promise<string | null> {
    if (!this.#hasFragments) return null
    const row = await this.#connection.get('SELECT "content" AS content FROM "fragments" WHERE "id" = ?', [
      ownerKey(id),
    ])
    return asText(row?.content)
  }
}

function ownerKey(owner: unknown): string | number | null {
  return typeof owner === 'number' ? owner : asText(owner)
}
