import { Refused } from '../conversation.ts'
import { LINE_TABLES } from '../jsonl.ts'
import type { ChatLines, ImportItem } from './import-items.ts'
import { elementsOf, parseElement } from './json-elements.ts'
import { LineReader, type LineRefusal, rowOf } from './line-reader.ts'
import type { ImportRow } from './rows.ts'

/** The beginning of a session line. */
export const SESSION_START = '{"type":"session",'

// Text that means the same to JSON.parse and to SQLite: no control characters, no halves of surrogate pairs,
// no NUL. No part of these patterns can match in two ways, so that they take time only in proportion to the
// text.
const PLAIN = String.raw`[^"\\\x00-\x1f]*`
const TEXT = String.raw`"${PLAIN}(?:\\(?:["\\/bfnrt]|u00(?:0[1-9a-f]|1[0-9a-f]))${PLAIN})*"`
const TEXT_OR_NULL = `(?:null|${TEXT})`
const WITHIN = String.raw`"${PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})${PLAIN})*"`
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?`
/**
 * Objects and arrays without space between their parts, containing only what JSON allows; SQLite checks
 * whether their brackets match.
 */
const NESTED = String.raw`[{[](?:[{}[\]:]|,(?![}\]])|${WITHIN}|(?:true|false|null|${NUMBER})(?![-+.\w]))*`

const CHAT = new RegExp(
  String.raw`\{"type":"session","id":(${TEXT}),[^\n]*\}\n` +
    String.raw`(?:\{"type":"message","id":${TEXT},"session_id":\1,"role":"(?:user|assistant|system)","content":${TEXT},` +
    String.raw`"model_name":${TEXT_OR_NULL},"created_at":${TEXT},"metadata":(?:${TEXT_OR_NULL}|${NESTED})\}\n)*`,
  'y',
)

/** The start of a line that does not belong to the chat before it. */
const NEXT = new RegExp(
  `\\{"type":"(?:${Object.keys(LINE_TABLES)
    .filter((type) => type !== 'message')
    .join('|')})",`,
  'y',
)

/**
 * Returns how many bytes of lines, each byte one character, make up the chat whose session they begin with;
 * `unfinished` when that depends on what follows them, and undefined when it does not have the form of an
 * export.
 */
export function lengthOfChat(lines: string, isLast: boolean): number | 'unfinished' | undefined {
  CHAT.lastIndex = 0
  const end = CHAT.test(lines) ? CHAT.lastIndex : 0
  if (end === lines.length) return isLast ? end : 'unfinished'
  NEXT.lastIndex = end
  if (end > 0 && NEXT.test(lines)) return end
  return !isLast && lines.indexOf('\n', end) < 0 ? 'unfinished' : undefined
}

/**
 * Returns the session of a chat that `lengthOfChat` found; undefined when the chat is not valid UTF-8, or its
 * first line has another form.
 */
export function sessionOf(chat: Buffer): ImportRow | undefined {
  const line = chat.toString('utf8', 0, chat.indexOf('\n'))
  const value = parseElement(chat, line)
  const { type, id } = Object(value)
  if (type !== 'session' || !line.startsWith(`${SESSION_START}"id":${JSON.stringify(id)},`)) return undefined
  const row = rowOf(type, Object(value), line)
  return typeof row === 'string' ? undefined : row
}

/** Yields the same chats, read line by line. */
export function* readChats({ file, line, json }: ChatLines): Generator<ImportItem | LineRefusal> {
  const reader = new LineReader(file)
  let at = line
  for (const bytes of elementsOf(json)) {
    if (bytes instanceof Refused) yield* reader.take(bytes, '', at++)
    else {
      const text = bytes.toString('utf8')
      yield* reader.take(parseElement(bytes, text), text, at++)
    }
  }
  yield* reader.end()
}
