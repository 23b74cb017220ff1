import { createHash } from 'node:crypto'
import type { Conversation, Part } from '../conversation.ts'

/** A file attached to a message. */
export type Attachment = Extract<Part, { kind: 'attachment' }>

/** Creates an attachment of which only some facts are known. */
export function attachment(known: Partial<Attachment>): Attachment {
  const { text, ...rest } = known
  const part: Attachment = { name: null, type: null, bytes: null, sha256: null, ...rest, kind: 'attachment' }
  return text === undefined || text === '' ? part : { ...part, text }
}

/** Returns every attachment of a conversation. */
export function attachmentsOf({ nodes }: Conversation): Attachment[] {
  return nodes.flatMap(({ parts }) => parts.filter((part) => part.kind === 'attachment'))
}

/** Returns size and SHA-256 (hex) of the content of a file. */
export function measure(content: Uint8Array | string): Pick<Attachment, 'bytes' | 'sha256'> {
  return { bytes: Buffer.byteLength(content), sha256: sha256(content) }
}

/**
 * Returns type, size and SHA-256 (hex) of the bytes in a `data:` URL; null for any other text. The bytes are
 * not kept.
 */
export function measureDataUrl(url: string): Pick<Attachment, 'type' | 'bytes' | 'sha256'> | null {
  if (!/^data:/i.test(url)) return null
  const comma = url.indexOf(',')
  if (comma === -1) return null
  const [type = '', ...parameters] = url.slice(5, comma).split(';')
  const base64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64')
  const bytes = base64 ? Buffer.from(url.slice(comma + 1), 'base64') : unescapeBytes(url.slice(comma + 1))
  return { type: type.trim().toLowerCase() || null, ...measure(bytes) }
}

/** Returns the SHA-256 of bytes or text, hex. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Returns the last part of a path, of whatever system. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path
}

function unescapeBytes(text: string): Buffer {
  try {
    return Buffer.from(decodeURIComponent(text))
  } catch {
    return Buffer.from(text)
  }
}
