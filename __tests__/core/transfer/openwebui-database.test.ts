import { type Conversation, Refused } from '../../../src/core/transfer/conversation.ts'
import {
  isOpenWebUiDatabase,
  readOpenWebUiDatabase,
} from '../../../src/core/transfer/readers/openwebui/openwebui-database.ts'
import { readForeign, withForeign } from '../../helpers/foreign.ts'

const OLD = `CREATE TABLE chat (id VARCHAR(255) NOT NULL PRIMARY KEY, user_id VARCHAR(255) NOT NULL, title TEXT NOT NULL,
    chat TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, share_id TEXT, archived INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE user (id TEXT, api_key TEXT); INSERT INTO user VALUES ('u', 'canary-secret');`
const NEW = `${OLD} ALTER TABLE chat ADD COLUMN pinned BOOLEAN; ALTER TABLE chat ADD COLUMN meta JSON DEFAULT '{}';
  ALTER TABLE chat ADD COLUMN folder_id TEXT;`

/** A chat that says which object it was made of. */
const echo = (value: unknown): Conversation => ({
  id: 'echo',
  title: null,
  created_at: null,
  updated_at: null,
  model_name: null,
  is_archived: false,
  metadata: { value },
  nodes: [],
  current: null,
})
const objects = async (script: string) => {
  const all = await readForeign(script, (connection) => readOpenWebUiDatabase(connection, echo))
  return { ...all, values: all.conversations.map(({ metadata }) => metadata.value) }
}

test.each([
  ['an old shape', OLD, true],
  ['the new shape', NEW, true],
  ['another table of that name', 'CREATE TABLE chat (id, title)', false],
])('it is recognised in %s', async (_case, script, expected) => {
  await withForeign(script, async (connection) =>
    expect(await isOpenWebUiDatabase(connection)).toBe(expected),
  )
})

test('a row becomes the object of an export file', async () => {
  const { values } = await objects(
    `${NEW} INSERT INTO chat VALUES ('c-1', 'u', 'Title', '{"history":{"currentId":null}}', 1700000000, 1700000001, NULL, 1, 1, '{"tags":["x"]}', 'f')`,
  )
  expect(values).toEqual([
    {
      id: 'c-1',
      user_id: 'u',
      title: 'Title',
      chat: { history: { currentId: null } },
      created_at: 1700000000,
      updated_at: 1700000001,
      archived: true,
      pinned: true,
      meta: { tags: ['x'] },
      folder_id: 'f',
    },
  ])
})

test('columns that an old version lacks are empty; JSON in JSON is unpacked', async () => {
  const { values } = await objects(
    `${OLD} INSERT INTO chat VALUES ('c-1', 'u', '', '"{\\"title\\":\\"inner\\"}"', 1, 2, NULL, 0)`,
  )
  expect(values).toMatchObject([
    { chat: { title: 'inner' }, archived: false, pinned: false, meta: {}, folder_id: null },
  ])
})

test('long numbers do not keep a chat from being read; metadata that is no JSON is kept as text', async () => {
  const { values, refused } = await objects(
    `${NEW} INSERT INTO chat VALUES ('c-1', 'u', '', '{"seed":12345678901234567890}', 1, 2, NULL, 'true', 'false', 'a note', NULL)`,
  )
  expect(refused).toEqual([])
  expect(values).toMatchObject([{ chat: {}, archived: true, pinned: false, meta: 'a note' }])
})

test('copies for sharing are left out', async () => {
  const { values } = await objects(
    `${OLD} INSERT INTO chat VALUES ('c-1', 'u', '', '{}', 1, 2, 'copy-1', 0), ('copy-1', 'u', '', '{}', 1, 2, NULL, 0),
      ('copy-2', 'shared-c-9', '', '{}', 1, 2, NULL, 0), ('c-2', 'u', '', '{}', 1, 2, 'c-2', 0)`,
  )
  expect(values).toMatchObject([{ id: 'c-1' }, { id: 'c-2' }])
})

test('a damaged chat is refused by its id, and so is what its reader refuses; the others come', async () => {
  const script = `${OLD} INSERT INTO chat VALUES ('c-1', 'u', '', '{"half', 1, 2, NULL, 0), ('c-2', 'u', 'bad', '{}', 1, 2, NULL, 0),
    ('c-3', 'u', '', '{}', 1, 2, NULL, 0)`
  const { conversations, refused } = await readForeign(script, (connection) =>
    readOpenWebUiDatabase(connection, (value) => {
      if ((value as { title: string }).title === 'bad') throw new Refused('c-2', 'it is bad')
      return echo(value)
    }),
  )
  expect(conversations).toHaveLength(1)
  expect(refused.map(({ id, message }) => [id, message])).toEqual([
    ['c-1', 'the stored chat is not JSON'],
    ['c-2', 'it is bad'],
  ])
})

test('an error of another kind is not hidden', async () => {
  const script = `${OLD} INSERT INTO chat VALUES ('c-1', 'u', '', '{}', 1, 2, NULL, 0)`
  await expect(
    readForeign(script, (connection) =>
      readOpenWebUiDatabase(connection, () => {
        throw new TypeError('a defect')
      }),
    ),
  ).rejects.toThrow('a defect')
})
