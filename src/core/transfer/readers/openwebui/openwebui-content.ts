import type { ConversationNode, Part } from '../../conversation.ts'
import { attachment, measureDataUrl } from '../attachments.ts'
import {
  asToolResults,
  joinTexts,
  reasoningParts,
  textParts,
  textsIn,
  toolCall,
  toolResult,
} from '../parts.ts'
import { asCount, asName, asNonEmpty, asRecord, asRecords, type JsonRecord } from '../values.ts'
import { splitDetails } from './details.ts'

/**
 * Returns the parts of a message of Open WebUI. Newer replies are stored twice, as text and as `output`
 * items: the items contain more of the work and its order; the words come from the text, which the user may
 * have edited.
 */
export function readParts(message: JsonRecord, role: ConversationNode['role']): Part[] {
  const content = readContent(message.content, role)
  const items = readOutput(asRecords(message.output))
  const files = readFiles(message.files)
  if (role === 'tool') return [...asToolResults([...content, ...items]), ...files]
  return [...combine(content, items), ...files]
}

function combine(content: Part[], items: Part[]): Part[] {
  const written = wordsOf(content)
  if (!items.some(isWork)) return written === '' ? [...content, ...items] : content
  const isEdited = written !== '' && written !== wordsOf(items)
  if (isEdited) return [...items.filter(isWork), ...content.filter((part) => !isWork(part))]
  return [...items, ...content.filter(({ kind }) => kind === 'attachment')]
}

const isWork = ({ kind }: Part) => kind !== 'text' && kind !== 'attachment'

/** Returns the words, however they are spread over parts and lines. */
function wordsOf(parts: Part[]): string {
  const texts = parts.map((part) => (part.kind === 'text' ? part.text : ''))
  return texts.join(' ').replace(/\s+/g, ' ').trim()
}

/** Reads content that is a text, or a list of texts and images as in OpenAI's interface. */
function readContent(content: unknown, role: ConversationNode['role']): Part[] {
  const split = role === 'assistant' ? splitDetails : textParts
  const pieces = Array.isArray(content) ? content : [content]
  return pieces.flatMap((value): Part[] => {
    const piece = asRecord(value)
    const text = asNonEmpty(value) ?? asNonEmpty(piece?.text) ?? asNonEmpty(piece?.content)
    if (text !== null) return split(text)
    const url = asName(asRecord(piece?.image_url)?.url) ?? asName(piece?.image_url)
    return url ? [attachment(measureDataUrl(url) ?? { name: url })] : []
  })
}

function readOutput(items: JsonRecord[]): Part[] {
  const calls = items.filter(({ type }) => type === 'function_call')
  const names = new Map(calls.map((call) => [call.call_id, asName(call.name)]))
  return items.flatMap((item): Part[] => {
    switch (item.type) {
      case 'message':
        return textsIn(item.content).flatMap(textParts)
      case 'reasoning':
        return reasoningParts((textsIn(item.content).join('\n') || textsIn(item.summary).join('\n')).trim())
      case 'function_call':
        return [toolCall(item.name, item.arguments)]
      case 'function_call_output':
        return [toolResult(names.get(item.call_id), joinTexts(item.output))]
      default:
        return asName(item.type)?.endsWith('code_interpreter') ? readCode(item) : []
    }
  })
}

function readCode(item: JsonRecord): Part[] {
  const name = 'code_interpreter'
  const language = asName(item.lang) ?? asName(item.language)
  const call = toolCall(name, { language, code: asNonEmpty(item.code) })
  return item.output == null ? [call] : [call, toolResult(name, item.output)]
}

/** Returns files, images and documents of a message; of a `data:` URL only type, size and hash. */
function readFiles(files: unknown): Part[] {
  return asRecords(files).map((entry) => {
    const file = asRecord(entry.file) ?? {}
    const meta = asRecord(file.meta) ?? asRecord(entry.meta) ?? {}
    const url = asName(entry.url) ?? ''
    const name = [entry.name, file.filename, meta.name, entry.id, file.id]
      .map(asName)
      .find((known) => known !== null)
    const type = [entry.content_type, meta.content_type].map(asName).find((known) => known !== null)
    const known = { type: type ?? asName(entry.type), bytes: asCount(entry.size) ?? asCount(meta.size) }
    const measured = measureDataUrl(url)
    const text = asNonEmpty(asRecord(file.data)?.content) ?? undefined
    return attachment({ ...known, ...measured, name: name ?? (measured || url === '' ? null : url), text })
  })
}
