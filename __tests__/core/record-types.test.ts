import {
  type ChatSession,
  createChatMessage,
  createChatSession,
  listChatMessages,
  listChatSessions,
  updateChatSession,
  updateSetting,
} from '../../src/index.ts'
import { withTestDatabase } from '../helpers/database.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>() => expect(true).toBe(true)

test('the type of a record is that of its declaration', () => {
  holds<
    Equal<
      ChatSession,
      {
        id: string
        title: string
        model_name: string | null
        agent_id: string | null
        created_at: string
        updated_at: string
        is_archived: boolean
        metadata: unknown
      }
    >
  >()
})

const drain = async (pages: AsyncGenerator<unknown[]>) => {
  const rows = []
  for await (const page of pages) rows.push(...page)
  return rows
}

test('what the compiler takes works, and what it refuses is INVALID at run time too', () =>
  withTestDatabase(async (db) => {
    const { id, title } = await createChatSession(db, { title: 'Bread' })
    expect(
      await drain(listChatSessions(db, { where: { title, is_archived: false }, sort: '-created_at' })),
    ).toHaveLength(1)
    expect(await drain(listChatMessages(db, { where: { role: 'user', model_name: null } }))).toEqual([])
    for (const refused of [
      // @ts-expect-error a misspelt column
      () => drain(listChatSessions(db, { where: { titel: 'x' } })),
      // @ts-expect-error a column of another entity
      () => drain(listChatSessions(db, { sort: 'role' })),
      // @ts-expect-error a required value is missing
      () => createChatMessage(db, { session_id: id, role: 'user' }),
      // @ts-expect-error not one of the roles
      () => createChatMessage(db, { session_id: id, role: 'robot', content: 'x' }),
      // @ts-expect-error the key cannot be changed
      () => updateChatSession(db, id, { id: 'y' }),
      // @ts-expect-error the key cannot be changed
      () => updateSetting(db, 'theme', { key: 'y' }),
    ])
      await expect(refused()).rejects.toMatchObject({ code: 'INVALID' })
  }))
