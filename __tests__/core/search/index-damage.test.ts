import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { searchSessions } from '../../../src/core/search/search.ts'
import {
  createChatMessage,
  importConversations,
  searchChatMessages,
  verifySchema,
} from '../../../src/index.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { change, checksOf, damagePage, MESSAGES, makeChats, rebuild, use } from '../../helpers/damage.ts'

const REBUILD = expect.stringMatching(/rebuild the full-text index/)

/** The database is healthy, and every message is found. */
async function expectMended(path: string, messages = MESSAGES): Promise<void> {
  const bad = Object.values(await checksOf(path)).filter(({ status }) => status === 'fail')
  expect(bad).toEqual([])
  expect(await use(path, (db) => searchChatMessages(db, 'bread'))).toHaveLength(messages)
  expect(readdirSync(dirname(path)).filter((name) => name.includes('rebuild'))).toEqual([])
}

describe('a page of the full-text index that is not authentic', () => {
  test.each([
    ['the settings of FTS5', 'message_search_config', 'min'],
    ['the root of the pieces', 'message_search_data', 'min'],
    ['the numbers of the messages', 'message_search_rows', 'max'],
    ['the messages of the numbers', 'sqlite_autoindex_message_search_rows_1', 'min'],
  ] as const)('%s: it is told, and mended', async (_, name, which) => {
    const path = await makeChats()
    await damagePage(path, name, which)
    const checks = await checksOf(path)
    for (const check of ['pages', 'search_index'])
      expect(checks[check]).toMatchObject({ status: 'fail', hint: REBUILD })
    expect(Object.values(checks).map(({ hint }) => hint)).not.toContainEqual(expect.stringMatching(/restore/))
    const message = { session_id: 'session-1', role: 'user', content: 'bread' } as const
    await expect(use(path, (db) => createChatMessage(db, message))).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/full-text index is damaged \(page \d+\)/),
      hint: REBUILD,
    })
    // The right number of hits, or an error that tells what to do.
    await expect(
      use(path, (db) => searchChatMessages(db, 'bread')).then(
        (hits) => hits.length,
        ({ code, hint }) => ({ code, hint }),
      ),
    ).resolves.toEqual(name.startsWith('sqlite_autoindex') ? MESSAGES : { code: 'CORRUPT', hint: REBUILD })
    await rebuild(path)
    await expectMended(path)
  })
})

describe('an index that is authentic and wrong', () => {
  test.each([
    ['no entry for words', 'DELETE FROM message_search_idx'],
    ['emptied', "INSERT INTO message_search (message_search) VALUES ('delete-all')"],
    ['a text that is not counted', 'DELETE FROM message_search_docsize WHERE id = 7'],
    ['no totals', 'DELETE FROM message_search_data WHERE id = 1'],
    ['a message without number', "DELETE FROM message_search_rows WHERE message_id = 'message-7'"],
    ['no table of settings', 'DROP TABLE message_search_config'],
    ['no table of words', 'DROP TABLE message_search_idx'],
    ['no table of numbers', 'DROP TABLE message_search_rows'],
    ['no index at all', 'DROP TABLE message_search'],
    ['a trigger missing', 'DROP TRIGGER message_search_update'],
  ])('%s: no search has fewer hits in silence, and it is mended', async (_, script) => {
    const path = await makeChats()
    await change(path, script)
    expect((await checksOf(path)).search_index).toMatchObject({ status: 'fail', hint: REBUILD })
    await expect(use(path, (db) => searchChatMessages(db, 'bread'))).rejects.toMatchObject({
      code: expect.stringMatching(/^(CORRUPT|CHECK_FAILED)$/),
      hint: REBUILD,
    })
    await rebuild(path)
    await expectMended(path)
  })

  test('where pieces are missing, each word is found or refused', async () => {
    const path = await makeChats()
    await change(path, 'DELETE FROM message_search_data WHERE id >> 37 > 0 AND id % 3 = 0')
    for (let n = 1; n <= MESSAGES; n += 20) {
      const outcome = await use(path, (db) => searchChatMessages(db, String(n))).then(
        (hits) => hits.length,
        ({ code, hint }) => ({ code, hint }),
      )
      expect([
        1,
        { code: 'CORRUPT', hint: expect.stringMatching(/rebuild the full-text index/) },
      ]).toContainEqual(outcome)
    }
  })

  test('a text that was changed behind the back of the index is found by health', async () => {
    const path = await makeChats()
    await change(
      path,
      `CREATE TABLE kept AS SELECT sql FROM sqlite_schema WHERE name = 'message_search_update';
       DROP TRIGGER message_search_update; UPDATE chat_messages SET content = 'cake' WHERE id = 'message-7';
       CREATE TRIGGER message_search_update AFTER UPDATE ON chat_messages BEGIN SELECT 1; END; DROP TABLE kept`,
    )
    expect((await checksOf(path)).search_index).toMatchObject({ status: 'fail', hint: REBUILD })
    await rebuild(path)
    await expectMended(path, MESSAGES - 1)
    expect(await use(path, (db) => searchChatMessages(db, 'cake'))).toHaveLength(1)
  })

  test('a search for sessions is refused alike, with filters too', async () => {
    const path = await makeChats()
    await change(path, "DELETE FROM message_search_rows WHERE message_id = 'message-7'")
    const refused = { code: expect.stringMatching(/^(CORRUPT|CHECK_FAILED)$/), hint: REBUILD }
    await expect(
      use(path, (db) => db.read((reader) => searchSessions(reader, 'bread'))),
    ).rejects.toMatchObject(refused)
    const where = { role: 'user' }
    await expect(use(path, (db) => searchChatMessages(db, 'bread', { where }))).rejects.toMatchObject(refused)
  })
})

test('damage of a record is not called damage of the index, and no rebuild touches it', async () => {
  const path = await makeChats()
  await damagePage(path, 'chat_messages', 'max')
  const checks = await checksOf(path)
  expect(checks.pages).toMatchObject({ status: 'fail', hint: expect.stringMatching(/restore/) })
  await expect(rebuild(path)).rejects.toMatchObject({
    code: 'CORRUPT',
    hint: expect.stringMatching(/restore/),
  })
  await expect(use(path, (db) => searchChatMessages(db, 'bread'))).rejects.toMatchObject({
    code: 'CORRUPT',
    hint: expect.stringMatching(/restore/),
  })
})

test('the tables and triggers of somebody else outlast the making of a new index', async () => {
  const path = await makeChats()
  await change(
    path,
    "CREATE TABLE message_search_notes (note TEXT); INSERT INTO message_search_notes VALUES ('mine')",
  )
  await damagePage(path, 'message_search_data', 'min')
  await rebuild(path)
  const notes = await use(path, (db) =>
    db.read((reader) => reader.all('SELECT note FROM message_search_notes')),
  )
  expect(notes).toEqual([{ note: 'mine' }])
})

test('an import into a damaged index names the index, and a schema that cannot be read too', async () => {
  const path = await makeChats()
  await damagePage(path, 'message_search_config', 'min')
  const refused = { code: 'CORRUPT', hint: REBUILD }
  const source = join(packageRoot(), '__tests__/fixtures/transfer/chatgpt.json')
  await expect(use(path, (db) => importConversations(db, source))).rejects.toMatchObject(refused)
  await expect(use(path, verifySchema)).rejects.toMatchObject(refused)
})
