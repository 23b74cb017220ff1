/** The records as programs see them. Times are RFC 3339 UTC with microseconds; null where nothing is set. */

/** A chat. */
export interface ChatSession {
  id: string
  title: string
  model_name: string | null
  agent_id: string | null
  created_at: string
  updated_at: string
  is_archived: boolean
  metadata: unknown
}

/** One thing said in a chat. */
export interface ChatMessage {
  id: string
  session_id: string
  role: 'user' | 'assistant' | 'system'
  content: string
  model_name: string | null
  created_at: string
  metadata: unknown
}

/** A model with instructions. */
export interface Agent {
  id: string
  name: string
  description: string | null
  model_name: string
  system_prompt: string | null
  /** From 0 (strict) to 2 (free). */
  temperature: number | null
  /** Tokens. */
  max_tokens: number | null
  created_at: string
  updated_at: string
  is_active: boolean
  metadata: unknown
}

/** A value by its name. */
export interface Setting {
  key: string
  value: string
  description: string | null
  created_at: string
  updated_at: string
}

/** One run of an agent. */
export interface AgentExecution {
  id: string
  agent_id: string
  session_id: string | null
  input: string
  output: string | null
  status: 'running' | 'completed' | 'failed' | 'cancelled'
  started_at: string
  completed_at: string | null
  error_message: string | null
  metadata: unknown
}

/** What a new record needs; the rest is generated or has its usual value. */
export type New<Model, Required extends keyof Model> = Pick<Model, Required> & Partial<Model>
