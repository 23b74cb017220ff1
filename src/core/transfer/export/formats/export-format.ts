import type { Agent } from '../../../records/entities/agent.ts'
import type { ChatMessage } from '../../../records/entities/message.ts'
import type { ChatSession } from '../../../records/entities/session.ts'

/**
 * A chat on its way out; its messages are read whenever they are asked for, in the order in which they were
 * said.
 */
export interface ExportedChat {
  session: ChatSession
  agent: Agent | null
  messages: AsyncIterable<ChatMessage>
}

/** What a caller may want to hear of while a format is written. */
export interface ExportOptions {
  /** Called for each chat that the format cannot hold, with the reason in words for a person. */
  onSkipped?: (sessionId: string, reason: string) => void
}

/** A way to write chats as text. */
export interface ExportFormat {
  /** What it is called on the command line. */
  name: string
  /** The end of its files' names, without the dot. */
  extension: string
  /**
   * How often it reads the messages of a long chat: twice where it has to know how a chat goes on; once by
   * default.
   */
  readings?: number
  /**
   * The text, piece by piece: of the chats never more than one is read, of its messages never all are held.
   */
  write(chats: AsyncIterable<ExportedChat>, options?: ExportOptions): AsyncIterable<string>
  /**
   * Present when each chat is a document of its own: a name for its file that none in `taken` has, added to
   * it.
   */
  fileName?: (session: ChatSession, taken: Set<string>) => string
}
