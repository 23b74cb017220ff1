import type { Row } from '../../../engine/connection.ts'
import type { Conversation, ConversationNode, Part } from '../../conversation.ts'
import { storedJson } from '../json.ts'
import { textOf, toolResult } from '../parts.ts'
import { readTime, spanOf } from '../times.ts'
import { chain, type LooseNode } from '../tree.ts'
import { asName, asNonBlank, asNumber, asText, present } from '../values.ts'

/** One row of llm's older tables: the prompt and the reply. */
export interface Turn {
  id: string
  system: string | null
  time: string | null
  model: string | null
  /** The input of the user, the answers of tools, the reply of the model: those that exist. */
  nodes: LooseNode[]
}

/** The content of a turn besides its row. */
export interface TurnContent {
  system: string | null
  asked: Part[]
  results: Part[]
  replied: Part[]
}

/** Converts a row of `responses` or `logs` to a turn; nodes without any content are left out. */
export function turnOf(id: string, row: Row, { system, asked, results, replied }: TurnContent): Turn {
  const time = readTime(row.datetime_utc ?? row.timestamp)
  const model = asName(row.model)
  const node = (role: ConversationNode['role'], parts: Part[]): LooseNode[] =>
    parts.length === 0
      ? []
      : [
          {
            id: `${id}/${role}`,
            role,
            hidden: role === 'tool',
            parts,
            model_name: role === 'assistant' ? model : null,
            created_at: time,
            metadata: role === 'assistant' ? usageOf(row) : {},
          },
        ]
  const nodes = [...node('tool', results), ...node('user', asked), ...node('assistant', replied)]
  return { id, system, time, model, nodes }
}

/** Returns tokens, duration and options of a model's call, as far as they are stored. */
export function usageOf(row: Row): Record<string, unknown> {
  return present({
    resolved_model: asText(row.resolved_model),
    input_tokens: asNumber(row.input_tokens),
    output_tokens: asNumber(row.output_tokens),
    token_details: storedJson(row.token_details),
    duration_ms: asNumber(row.duration_ms),
    options: storedJson(row.options_json),
  })
}

/**
 * Links turns as consecutive messages; a system prompt, which every turn repeats, is added when it changes.
 */
export function linkTurns(turns: readonly Turn[]): ConversationNode[] {
  let system: string | null = null
  const nodes = turns.flatMap((turn): LooseNode[] => {
    const isNew = turn.system !== null && turn.system !== system
    system = turn.system ?? system
    if (!isNew || turn.system === null) return turn.nodes
    return [systemNode(turn, turn.system), ...turn.nodes]
  })
  return chain(nodes)
}

function systemNode({ id, time }: Turn, text: string): LooseNode {
  return {
    id: `${id}/system`,
    role: 'system',
    hidden: false,
    parts: [{ kind: 'text', text }],
    model_name: null,
    created_at: time,
    metadata: {},
  }
}

/** Returns the reply of the model in a turn. */
export function replyOf(turn: Turn): string {
  return textOf(turn.nodes.find(({ role }) => role === 'assistant')?.parts ?? [])
}

/** Returns the answer of a tool, with the exception when it failed. */
export function answerOf(name: unknown, output: unknown, exception: unknown): Part {
  const failed = asNonBlank(exception)
  return toolResult(name, failed === null ? output : { output: output ?? null, exception: failed })
}

/** Converts consecutive turns to a conversation; `row` is the stored row of the conversation itself. */
export function conversationOf(id: string, turns: readonly Turn[], row: Row = {}): Conversation {
  const nodes = linkTurns(turns)
  return {
    id,
    title: asName(row.name),
    ...spanOf(turns.map(({ time }) => time)),
    model_name: asName(row.model) ?? turns[0]?.model ?? null,
    is_archived: false,
    metadata: {},
    nodes,
    current: nodes.at(-1)?.id ?? null,
  }
}
