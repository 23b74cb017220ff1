// Fills a database with the chats of samples/chats.json through the library, as a program of yours would.
import { readFile } from 'node:fs/promises'
import { addSampleChats, withDatabase } from '../dist/index.js'

/** Adds the sample chats in one transaction; resolves to how many messages were new. */
export async function fillWithSamples(path, keyFile) {
  const chats = JSON.parse(await readFile(new URL('../samples/chats.json', import.meta.url), 'utf8'))
  return withDatabase({ path, keyFile, access: 'write' }, (db) =>
    db.transaction((writer) => addSampleChats(writer, chats)),
  )
}
