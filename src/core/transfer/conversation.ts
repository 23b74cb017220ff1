/**
 * The common shape that every reader of a foreign format produces and the writer accepts: a conversation as a
 * tree of messages, of which one path is the active one.
 */
export interface Conversation {
  /** Its id in the source; ids in the database are derived from it. */
  id: string
  title: string | null
  /** RFC 3339 UTC with microseconds (see `formatTimestamp`), or null when the source does not record it. */
  created_at: string | null
  updated_at: string | null
  model_name: string | null
  /** The agent of the conversation: the id of a `SourceAgent` of the same source, if there is one. */
  agent_id?: string | null
  is_archived: boolean
  /** Everything without a field of its own, as JSON values; becomes part of the session's metadata. */
  metadata: Record<string, unknown>
  /** Parents before their children. */
  nodes: ConversationNode[]
  /** The last message of the active path; null for an empty conversation. */
  current: string | null
}

/** One message. */
export interface ConversationNode {
  /** Unique in its conversation. */
  id: string
  parent: string | null
  /** `tool` has no row of its own in the database: such a node becomes part of its neighbour's metadata. */
  role: 'user' | 'assistant' | 'system' | 'tool'
  /** Not shown by its own program: custom instructions, empty system messages, tool traffic. */
  hidden: boolean
  parts: Part[]
  model_name: string | null
  created_at: string | null
  metadata: Record<string, unknown>
}

/** A piece of a message. Only text is what was said; the other kinds are kept beside it. */
export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'reasoning'; text: string }
  | { kind: 'tool_call'; name: string | null; input: unknown }
  | { kind: 'tool_result'; name: string | null; output: unknown }
  | {
      kind: 'attachment'
      name: string | null
      type: string | null
      bytes: number | null
      sha256: string | null
      /** The source's name for the file, which may be beside the conversations. */
      file?: string
      text?: string
    }

/** A conversation that cannot be imported, with the reason in words for the user. */
export class Refused extends Error {
  /** The id in the source, if it could be read. */
  readonly id: string | null

  constructor(id: string | null, reason: string) {
    super(reason)
    this.name = 'Refused'
    this.id = id
  }
}

/** An agent that a source stores beside its conversations. */
export interface SourceAgent {
  id: string
  name: string
  description: string | null
  model_name: string
  system_prompt: string | null
  temperature: number | null
  max_tokens: number | null
  is_active: boolean
  created_at: string | null
  updated_at: string | null
  metadata: Record<string, unknown>
}

/** A setting of a source. */
export interface SourceSetting {
  key: string
  value: string
  description: string | null
}

/** A run of an agent recorded by a source; its ids are those of the source's agents and conversations. */
export interface SourceExecution {
  id: string
  agent_id: string
  session_id: string | null
  input: string
  output: string | null
  status: 'running' | 'completed' | 'failed' | 'cancelled'
  started_at: string | null
  completed_at: string | null
  error_message: string | null
  metadata: Record<string, unknown>
}

/** An item that a reader yields. */
export type Imported =
  | { kind: 'conversation'; conversation: Conversation }
  | { kind: 'agent'; agent: SourceAgent }
  | { kind: 'setting'; setting: SourceSetting }
  | { kind: 'execution'; execution: SourceExecution }
  | { kind: 'refused'; refused: Refused }
