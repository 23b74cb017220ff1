/**
 * The one shape that every reader of a foreign format makes and the one writer takes: a conversation as a
 * tree of messages, of which one path is the active one.
 */
export interface Conversation {
  /** The id that the source gives it; ids in the database are made from it. */
  id: string
  title: string | null
  /** RFC 3339 UTC with microseconds (see `formatTimestamp`), or null where the source does not say. */
  created_at: string | null
  updated_at: string | null
  model_name: string | null
  /** The agent that it was held with: the id of a `SourceAgent` of the same source, where there is one. */
  agent_id?: string | null
  is_archived: boolean
  /** What has no place of its own, as JSON values; becomes part of the session's metadata. */
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
  /** `tool` has no row of its own in the database: such a node goes into the metadata of its neighbour. */
  role: 'user' | 'assistant' | 'system' | 'tool'
  /**
   * Not shown by the program that it comes from: custom instructions, empty system messages, tool traffic.
   */
  hidden: boolean
  parts: Part[]
  model_name: string | null
  created_at: string | null
  metadata: Record<string, unknown>
}

/** A piece of a message. Only text is what was said; the others are kept beside it. */
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
      /** How the source names its file, which may lie beside the conversations. */
      file?: string
      text?: string
    }

/** A conversation that cannot be taken over, and why, in words for a person. */
export class Refused extends Error {
  /** The id in the source, where it could be read. */
  readonly id: string | null

  constructor(id: string | null, reason: string) {
    super(reason)
    this.name = 'Refused'
    this.id = id
  }
}

/** An agent that a source has beside its conversations. */
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

/** A setting that a source has. */
export interface SourceSetting {
  key: string
  value: string
  description: string | null
}

/**
 * A run of an agent that a source remembers; the ids are those that the source's agents and conversations
 * have.
 */
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

/** What a reader gives, piece by piece. */
export type Imported =
  | { kind: 'conversation'; conversation: Conversation }
  | { kind: 'agent'; agent: SourceAgent }
  | { kind: 'setting'; setting: SourceSetting }
  | { kind: 'execution'; execution: SourceExecution }
  | { kind: 'refused'; refused: Refused }
