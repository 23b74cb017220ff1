import type { Connection } from '../../../engine/connection.ts'
import type { ChatSession } from '../../../records/entities/session.ts'
import type { LineType } from '../../jsonl.ts'
import type { ExportedChat, ExportSelection } from '../exported-chats.ts'
import type { Pieces } from '../in-blocks.ts'
import type { LineOptions } from '../json-lines.ts'

/** Callbacks of a format while it writes. */
export interface ExportOptions {
  /** Called for each chat that the format cannot hold, with the reason in words for the user. */
  onSkipped?: (sessionId: string, reason: string) => void
}

interface AnyFormat {
  /** Its name on the command line. */
  name: string
  /** The file name extension, without the dot. */
  extension: string
  /**
   * The number of times that it reads the messages of a long chat: twice when it has to look ahead; once by
   * default.
   */
  readings?: number
}

/** A way to write chats as text. */
export interface ChatFormat extends AnyFormat {
  /**
   * Yields the text, piece by piece: it reads only one chat at a time, and never holds all of its messages.
   */
  write(chats: AsyncIterable<ExportedChat>, options?: ExportOptions): AsyncIterable<string>
  /**
   * Present when each chat is a document of its own: returns a file name that is not in `taken`, and adds it.
   */
  fileName?: (session: ChatSession, taken: Set<string>) => string
}

/** A way to write the records themselves, with those that belong to no chat. */
export interface RecordFormat extends AnyFormat {
  writeRecords(reader: Connection, selection: ExportSelection, options: LineOptions): Pieces
  /** The kinds of records that it writes of such a selection. */
  lineTypes(selection: ExportSelection): readonly LineType[]
}

export type ExportFormat = ChatFormat | RecordFormat
