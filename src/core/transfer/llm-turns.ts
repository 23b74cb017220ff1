import type { Row } from '../connection.ts'
import type { ConversationNode, Part } from './conversation.ts'
import {
  chain,
  filledTextOf,
  jsonOrText,
  type LooseNode,
  numberOf,
  present,
  textOf,
  textOfParts,
} from './source-value.ts'
import { readTime } from './times.ts'

/** One row of llm's older tables: what was asked, and the reply. */
export interface Turn {
  id: string
  system: string | null
  time: string | null
  model: string | null
  /** What the person gave, what tools answered, what the model replied: those of them that there are. */
  nodes: LooseNode[]
}

/** What goes into a turn beside its row. */
export interface TurnContent {
  system: string | null
  asked: Part[]
  results: Part[]
  replied: Part[]
}

/** A row of `responses` or `logs` as a turn; nodes without any content are left out. */
export function turnOf(id: string, row: Row, { system, asked, results, replied }: TurnContent): Turn {
  const time = readTime(row.datetime_utc ?? row.timestamp)
  const model = filledTextOf(row.model)
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

/** Tokens, duration and options of a model's call, as far as they are stored. */
export function usageOf(row: Row): Record<string, unknown> {
  const options = jsonOrText(row.options_json)
  return present({
    resolved_model: textOf(row.resolved_model),
    input_tokens: numberOf(row.input_tokens),
    output_tokens: numberOf(row.output_tokens),
    token_details: jsonOrText(row.token_details),
    duration_ms: numberOf(row.duration_ms),
    options: JSON.stringify(options) === '{}' ? null : options,
  })
}

/** Turns one after the other as messages; a system prompt, which every turn repeats, is said when it changes. */
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

/** What the model said in a turn. */
export function replyOf(turn: Turn): string {
  return textOfParts(turn.nodes.find(({ role }) => role === 'assistant')?.parts ?? [])
}
