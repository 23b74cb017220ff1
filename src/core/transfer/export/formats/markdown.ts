import type { ExportedChat } from '../exported-chats.ts'
import { chatTitle } from './chat-title.ts'
import type { ChatFormat } from './export-format.ts'
import { markdownFileName } from './file-name.ts'
import { markdownCode, markdownText, markdownWords } from './markdown-text.ts'
import { utcTime } from './utc-time.ts'

/**
 * One readable document per chat: its title, dates and model, then a heading with the role for each message.
 * No other line begins with `# ` or `## ` outside code.
 */
export const markdown: ChatFormat = {
  name: 'markdown',
  extension: 'md',
  write,
  fileName: markdownFileName,
}

async function* write(chats: AsyncIterable<ExportedChat>): AsyncGenerator<string> {
  let before = ''
  for await (const chat of chats) {
    yield before + headOf(chat)
    for await (const { role, content, created_at, model_name } of chat.messages) {
      const facts = [timeText(created_at)]
      if (model_name !== null) facts.push(markdownCode(model_name))
      yield `\n## ${role}\n\n${facts.join(' · ')}\n\n${markdownText(content)}\n`
    }
    before = '\n'
  }
}

function headOf({ session, agent }: ExportedChat): string {
  const facts = [
    ['Begun', timeText(session.created_at)],
    ['Last changed', timeText(session.updated_at)],
    ['Model', session.model_name === null ? null : markdownCode(session.model_name)],
    ['Agent', agent && `${markdownWords(chatTitle(agent.name))} (${markdownCode(agent.model_name)})`],
    ['Archived', session.is_archived ? 'yes' : null],
    ['Id', markdownCode(session.id)],
  ]
  const list = facts.filter(([, value]) => value !== null).map(([name, value]) => `- ${name}: ${value}\n`)
  return `# ${markdownWords(chatTitle(session.title))}\n\n${list.join('')}`
}

function timeText(stored: string): string {
  return utcTime(stored)?.text ?? markdownCode(stored)
}
