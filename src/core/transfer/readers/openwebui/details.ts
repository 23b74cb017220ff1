import type { Part } from '../../conversation.ts'
import { attachment, measureDataUrl } from '../attachments.ts'
import { parseJson } from '../json.ts'
import { reasoningParts, textParts, toolCall, toolResult } from '../parts.ts'
import { asArray, asName, asRecord } from '../values.ts'
import { type DetailsBlock, OPENING, readBlock } from './details-block.ts'

const KNOWN_OPENING = /<details\s{1,8}type="(?:reasoning|tool_calls|code_interpreter)"/y

/**
 * Splits a reply of Open WebUI into parts; it writes reasoning, tool calls and executed code into the text as
 * `<details>` blocks with escaped HTML. Other `<details>`, and those in fenced code, are text.
 */
export function splitDetails(content: string): Part[] {
  const parts: Part[] = []
  let start = 0
  let seen = 0
  let fences = 0
  for (let at = content.indexOf(OPENING); at !== -1; at = content.indexOf(OPENING, at)) {
    const begins = beginsBlock(content, start, at)
    if (begins) {
      fences += countFences(content.slice(seen, at))
      seen = at
    }
    at += OPENING.length
    if (!begins || fences % 2 === 1) continue
    const block = readBlock(content, seen)
    // A tag without an end: nothing can follow it.
    if (!block) break
    parts.push(...trimmed(content.slice(start, seen)), ...asParts(block))
    start = seen = at = block.end
    fences = 0
  }
  const rest = content.slice(start)
  // Text around the blocks is trimmed; a text without any stays unchanged.
  return start > 0 ? [...parts, ...trimmed(rest)] : textParts(rest)
}

/** Returns true when a block of a known type opens here, on a line of its own or after another block. */
function beginsBlock(content: string, start: number, at: number): boolean {
  KNOWN_OPENING.lastIndex = at
  return /(?:^|\n)[ \t]{0,8}$/.test(content.slice(Math.max(start, at - 9), at)) && KNOWN_OPENING.test(content)
}

function countFences(text: string): number {
  return text.match(/^ {0,3}```/gm)?.length ?? 0
}

const trimmed = (text: string) => textParts(text.trim())

function asParts({ attributes, body }: DetailsBlock): Part[] {
  const given = (name: string) => attributes.get(name)
  switch (given('type')) {
    case 'reasoning':
      return reasoningParts(withoutQuoteMarks(body))
    case 'tool_calls': {
      const name = given('name')
      const call = toolCall(name, given('arguments') ?? given('content'))
      const output = given('result') ?? given('results') ?? (body || undefined)
      return [call, ...resultOf(name, output), ...filesOf(given('files'))]
    }
    default: {
      const name = 'code_interpreter'
      const call = toolCall(name, body === '' ? null : readCode(body))
      return [call, ...resultOf(name, given('output') ?? given('result'))]
    }
  }
}

function resultOf(name: string | undefined, output: string | undefined): Part[] {
  return output === undefined ? [] : [toolResult(name, output)]
}

function filesOf(list: string | undefined): Part[] {
  return asArray(parseJson(list)).flatMap((file) => {
    const url = asName(file) ?? asName(asRecord(file)?.url)
    if (!url) return []
    return attachment({ name: asName(asRecord(file)?.name), ...(measureDataUrl(url) ?? { name: url }) })
  })
}

/** Removes the quote marks from reasoning, which is written as a quotation. */
function withoutQuoteMarks(body: string): string {
  const lines = body.split('\n')
  const isQuoted = lines.every((line) => line.startsWith('>') || line.trim() === '')
  return isQuoted ? lines.map((line) => line.replace(/^> ?/, '')).join('\n') : body
}

function readCode(body: string): { language: string | null; code: string } {
  const [, language = '', code = body] = /^```([^\n`]*)\n([\s\S]*?)\n?```$/.exec(body) ?? []
  return { language: asName(language), code }
}
