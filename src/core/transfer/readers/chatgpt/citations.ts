import { parseJson } from '../json.ts'
import { asArray, asName, asNonEmpty, asRecord, asRecords, type JsonRecord } from '../values.ts'

/** A web page that a ChatGPT message refers to. */
export interface Reference {
  title: string | null
  url: string
}

/** Returns the web pages that a message's metadata names, each once. */
export function readReferences(metadata: JsonRecord): Reference[] {
  const sources = [
    ...asRecords(metadata.content_references).flatMap((reference) => [
      reference,
      ...asRecords(reference.items),
      ...asRecords(reference.sources),
    ]),
    ...asRecords(metadata.citations).map((citation) => asRecord(citation.metadata) ?? {}),
    ...asRecords(asRecord(metadata._cite_metadata)?.metadata_list),
  ]
  const byUrl = new Map<string, Reference>()
  for (const source of sources) {
    const url = asName(source.url)
    if (url && !byUrl.has(url)) byUrl.set(url, { title: asName(source.title), url })
  }
  return [...byUrl.values()]
}

/**
 * Removes ChatGPT's private marks (U+E200 to U+E202 around citations, image groups, named things) from a
 * text: each becomes the link or name from the metadata or the mark itself, or disappears.
 */
export function resolveMarks(text: string, metadata: JsonRecord): string {
  let resolved = text
  for (const [mark, replacement] of replacements(text, metadata)) {
    resolved = resolved.replaceAll(mark, () => replacement)
  }
  if (!/[\uE200-\uE202]/.test(resolved)) return resolved
  return resolved
    .replace(/\uE200([^\uE200\uE201]*)\uE201/g, (_mark, inside) => ownName(inside))
    .replace(/[\uE200-\uE202]/g, '')
}

/** Returns the replacement for each mark in the text; only marks are replaced, never words. */
function replacements(text: string, metadata: JsonRecord): Map<string, string> {
  const found = new Map<string, string>()
  for (const reference of asRecords(metadata.content_references)) {
    const mark = asNonEmpty(reference.matched_text)
    if (mark && isMark(mark) && !found.has(mark)) found.set(mark, shownAs(reference))
  }
  const citations = asRecords(metadata.citations)
  const points = citations.length > 0 ? [...text] : []
  for (const citation of citations) {
    const { start_ix: start, end_ix: end } = citation
    if (typeof start !== 'number' || typeof end !== 'number') continue
    // Positions count characters; those outside the first plane are two units of a string.
    const mark = [text.slice(start, end), points.slice(start, end).join('')].find(isMark)
    if (mark && !found.has(mark)) found.set(mark, shownAs(asRecord(citation.metadata) ?? {}))
  }
  return found
}

function isMark(text: string): boolean {
  return (text.startsWith('\uE200') && text.endsWith('\uE201')) || /^【[^【】]*】$/.test(text)
}

function shownAs(reference: JsonRecord): string {
  const alternative = asNonEmpty(reference.alt)
  if (alternative) return alternative
  const linked = [reference, ...asRecords(reference.items)].filter(({ url }) => asName(url))
  const links = linked.map(({ title, url }) => `[${asName(title) ?? asName(url)}](${asName(url)})`)
  return links.length > 0 ? `(${links.join(', ')})` : ''
}

/**
 * Returns the words in a mark that names a thing or a link: `entity`, a list of kind and name; `url`, a label
 * and a target.
 */
function ownName(inside: string): string {
  const [kind, first = ''] = inside.split('\uE202')
  if (kind === 'url') return first
  return kind === 'entity' ? (asNonEmpty(asArray(parseJson(first))[1]) ?? '') : ''
}
