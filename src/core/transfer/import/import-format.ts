import type { Connection } from '../../engine/connection.ts'
import { type Conversation, type Imported, Refused } from '../conversation.ts'
import type { ChatLines } from './import-items.ts'
import type { SourceFile } from './source-files.ts'

/** A program whose chats can be imported: as JSON, from its database, or both. */
export interface ImportFormat {
  /** The name that `from` takes. */
  name: string
  json?: JsonFormat
  database?: DatabaseFormat
}

/** Facts that a reader cannot find in its source. */
export interface ReaderOptions {
  /** The IANA name of the zone in which LibreOllama wrote times without one. */
  timeZone: string
}

/** JSON values of a format, detected from the first of them. */
export interface JsonFormat {
  recognizes(value: unknown): boolean
  /** The content of one value; of a Refused, which is a line or value that is no JSON, too. */
  read(element: Element, file: SourceFile, options: ReaderOptions): Content
  /** True for a format that takes whole chats of lines unread. */
  takesChats?: boolean
}

/** SQLite databases of a format, detected from their tables. */
export interface DatabaseFormat {
  recognizes(connection: Connection): Promise<boolean>
  read(connection: Connection, options: ReaderOptions): AsyncGenerator<Imported>
}

/** A value as it stands in a file, with the number of its first line. */
export interface Element {
  value: unknown
  text: string
  at: number
}

/** The content of a file, piece by piece: lines of our own, or what a foreign reader gives. */
export type Content =
  | { chats: ChatLines }
  | { line: unknown; text: string; at: number }
  | { imported: Imported; at?: number }

/** A JSON format of which each value is one conversation; `read` throws Refused for one that it cannot read. */
export function conversations(
  recognizes: (value: unknown) => boolean,
  read: (value: unknown, file: SourceFile, options: ReaderOptions) => Conversation,
): JsonFormat {
  return {
    recognizes,
    read: ({ value, at }, file, options) => ({
      imported:
        value instanceof Refused
          ? { kind: 'refused', refused: value }
          : readOne(() => read(value, file, options)),
      at,
    }),
  }
}

/** The meaning of a RangeError of JavaScript, in words. */
export const TOO_DEEP = 'something in it is nested too deep, or too long'

function readOne(read: () => Conversation): Imported {
  try {
    return { kind: 'conversation', conversation: read() }
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', refused: error }
    if (error instanceof RangeError) return { kind: 'refused', refused: new Refused(null, TOO_DEEP) }
    throw error
  }
}
