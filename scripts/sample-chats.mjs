// Fills a database with the chats of samples/chats.json through the library, as your own program would.
import { readFile } from 'node:fs/promises'
import { queryBuilder, withDatabase } from '../dist/index.js'

/** Adds the sample chats in one transaction; resolves to the number of new messages. */
export async function fillWithSamples(path, keyFile) {
  const samples = JSON.parse(await readFile(new URL('../samples/chats.json', import.meta.url), 'utf8'))
  return withDatabase({ path, keyFile, access: 'write' }, (db) =>
    db.transaction(async (writer) => {
      let added = 0
      for (const table of ['agents', 'chat_sessions', 'chat_messages']) {
        const insert = queryBuilder(writer).insertInto(table).values(samples[table])
        const { numInsertedOrUpdatedRows } = await insert
          .onConflict((same) => same.doNothing())
          .executeTakeFirst()
        added = Number(numInsertedOrUpdatedRows)
      }
      return added
    }),
  )
}
