import type { ExportedChat } from '../exported-chats.ts'
import type { ChatFormat } from './export-format.ts'
import { jsonText } from './json-text.ts'

/** One JSON array of `{ session, agent, messages }`, with the records as every other command prints them. */
export const json: ChatFormat = { name: 'json', extension: 'json', write }

async function* write(chats: AsyncIterable<ExportedChat>): AsyncGenerator<string> {
  let before = '[\n'
  for await (const { session, agent, messages } of chats) {
    yield `${before}{"session":${jsonText(session)},"agent":${jsonText(agent)},"messages":[`
    let separator = '\n'
    for await (const message of messages) {
      yield `${separator}${jsonText(message)}`
      separator = ',\n'
    }
    yield ']}'
    before = ',\n'
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}
