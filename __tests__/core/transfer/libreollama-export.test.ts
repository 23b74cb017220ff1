import { readLibreOllama } from '../../../src/core/transfer/readers/libreollama/libreollama.ts'
import {
  looksLikeLibreOllamaExport,
  readLibreOllamaExport,
} from '../../../src/core/transfer/readers/libreollama/libreollama-export.ts'
import { expectSound } from '../../helpers/conversation.ts'
import { readForeign, said } from '../../helpers/foreign.ts'
import { ERA_D } from '../../helpers/libreollama-eras.ts'
import { rowsOf } from '../../helpers/rows.ts'

const ID = '0b1c2d3e-4f50-6172-8394-a5b6c7d8e9fa'

/** As era A wrote it, and as D and E do. */
const OLD = {
  session: {
    id: ID,
    title: 'Kites',
    agent_id: 'agent-1',
    created_at: '2025-06-05T20:22:06.123Z',
    updated_at: '2025-06-05T20:23:06Z',
    is_archived: true,
    metadata: { tags: ['wind'] },
    message_count: 2,
  },
  messages: [
    {
      id: 'm-1',
      session_id: ID,
      role: 'User',
      content: 'what is a kite?',
      created_at: '2025-06-05T20:22:07Z',
    },
    {
      id: 'm-2',
      session_id: ID,
      role: 'Assistant',
      content: 'a toy',
      created_at: '2025-06-05T20:22:08Z',
      likes: 1,
    },
  ],
  context: { summary: 'toys' },
  export_timestamp: '2025-06-06T00:00:00Z',
  export_version: '3.3.0',
}
const NEW = {
  session: {
    id: 1,
    session_name: 'Named',
    title: null,
    created_at: '2025-07-15T13:54:12.1',
    updated_at: '2025-07-15T17:54:40',
  },
  messages: [
    { id: 1, session_id: 1, role: 'user', content: 'local', created_at: '2025-07-15T13:54:13.5' },
    { id: 1, session_id: 1, role: 'assistant', content: 'again', created_at: null },
  ],
  export_timestamp: '2025-07-16T00:00:00',
  export_version: '3.3.0',
}

test('a chat that era A exported has its title, times, state, and what has no place of its own', () => {
  const conversation = readLibreOllamaExport(OLD)
  expect(conversation).toMatchObject({
    id: ID,
    title: 'Kites',
    created_at: '2025-06-05T20:22:06.123000+00:00',
    updated_at: '2025-06-05T20:23:06.000000+00:00',
    is_archived: true,
    metadata: {
      tags: ['wind'],
      agent_id: 'agent-1',
      message_count: 2,
      context: { summary: 'toys' },
      export_version: '3.3.0',
    },
  })
  expect(said(conversation)).toEqual(['user: what is a kite?', 'assistant: a toy'])
  expect(conversation.nodes[1]).toMatchObject({ metadata: { likes: 1 } })
  expect(rowsOf(conversation, { source: 'libreollama' }).session.id).toBe(ID)
  expectSound(conversation)
})

test('a chat that a later era exported is the one of the database, its times local as there', async () => {
  const conversation = readLibreOllamaExport(NEW, 'America/New_York')
  const { conversations } = await readForeign(ERA_D, (connection) =>
    readLibreOllama(connection, { timeZone: 'UTC' }),
  )
  expect(conversation).toMatchObject({
    id: conversations[0]?.id,
    title: 'Named',
    created_at: '2025-07-15T17:54:12.100000+00:00',
    updated_at: '2025-07-15T17:54:40.000000+00:00',
    metadata: { source_timezone: 'America/New_York' },
  })
  expect(said(conversation)).toEqual(['user: local', 'assistant: again'])
  expectSound(conversation)
})

test.each([
  ['has no session', { messages: [] }],
  ['has no messages', { session: { id: ID } }],
  ['is no object', []],
])('what %s is refused', (_case, value) => {
  expect(() => readLibreOllamaExport(value)).toThrow(expect.objectContaining({ name: 'Refused' }))
})

test('a chat without an id has one made from its content', () => {
  expect(readLibreOllamaExport({ session: {}, messages: [] }).id).toMatch(/^[0-9a-f]{32}$/)
})

test.each([
  ['an export of era A', OLD, true],
  ['one of a later era', NEW, true],
  ["this program's own", { session: OLD.session, agent: null, messages: [] }, false],
  ['nothing', null, false],
])('%s is told apart', (_case, value, expected) => {
  expect(looksLikeLibreOllamaExport(value)).toBe(expected)
})
