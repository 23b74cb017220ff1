import type { Agent, ChatMessage, ChatSession } from '../../../records/models.ts'

/** A chat to export; its messages are read on request, in the order in which they were said. */
export interface ExportedChat {
  session: ChatSession
  agent: Agent | null
  messages: AsyncIterable<ChatMessage>
}

/** Callbacks during the export to a format. */
export interface ExportOptions {
  /** Called for each chat that the format cannot hold, with the reason in words for the user. */
  onSkipped?: (sessionId: string, reason: string) => void
}

/** A text format for chats. */
export interface ExportFormat {
  /** Its name on the command line. */
  name: string
  /** The file name extension, without the dot. */
  extension: string
  /**
   * The number of times that it reads the messages of a long chat: twice when it has to look ahead; once by
   * default.
   */
  readings?: number
  /**
   * Yields the text, piece by piece: it reads only one chat at a time, and never holds all of its messages.
   */
  write(chats: AsyncIterable<ExportedChat>, options?: ExportOptions): AsyncIterable<string>
  /**
   * Present when each chat is a document of its own: returns a file name that is not in `taken`, and adds it.
   */
  fileName?: (session: ChatSession, taken: Set<string>) => string
}
