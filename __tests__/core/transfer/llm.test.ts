import type { Conversation } from '../../../src/core/transfer/conversation.ts'
import { isLlm, readLlm } from '../../../src/core/transfer/readers/llm/llm.ts'
import { readForeign, said, withForeign } from '../../helpers/foreign.ts'
import {
  EARLY_1,
  GENERATION_0,
  GENERATION_1,
  GENERATION_2,
  OLDEST,
  THREAD,
} from '../../helpers/llm-generations.ts'

const read = async (script: string) => {
  const all = await readForeign(script, readLlm)
  expect(JSON.stringify(all)).not.toContain('canary')
  return all.conversations
}
const one = async (script: string): Promise<Conversation> => {
  const [conversation, ...others] = await read(script)
  if (!conversation || others.length > 0) throw new Error('one conversation was expected')
  return conversation
}
const HASH = 'ab'.repeat(32)

test.each([
  ['the oldest table', OLDEST, true],
  ['generation 0', GENERATION_0, true],
  ['generation 1 as it began', EARLY_1, true],
  ['generation 2', GENERATION_2, true],
  ['any table of logs', 'CREATE TABLE logs (id, message, level)', false],
])('the log is recognised in %s', async (_case, script, expected) => {
  await withForeign(script, async (connection) => expect(await isLlm(connection)).toBe(expected))
})

describe('generation 0', () => {
  test('rows are collected by their chat and by what they answer', async () => {
    const conversations = await read(
      `${GENERATION_0} INSERT INTO logs (id, model, prompt, system, response, reply_to_id, chat_id, datetime_utc) VALUES
        (1, 'gpt-4', 'one', 'be brief', 'first', NULL, NULL, '2023-06-01T10:00:00'), (2, 'gpt-4', 'other', NULL, 'else', NULL, NULL, '2023-06-01T10:01:00'),
        (3, 'gpt-4', 'two', 'be brief', 'second', NULL, 1, '2023-06-01T10:02:00'), (4, 'gpt-4', 'three', NULL, 'third', 3, NULL, '2023-06-01T10:03:00')`,
    )
    expect(conversations.map(said)).toEqual([
      [
        'system: be brief',
        'user: one',
        'assistant: first',
        'user: two',
        'assistant: second',
        'user: three',
        'assistant: third',
      ],
      ['user: other', 'assistant: else'],
    ])
    expect(conversations[0]).toMatchObject({
      id: 'logs/1@2023-06-01T10:00:00',
      title: null,
      model_name: 'gpt-4',
      created_at: '2023-06-01T10:00:00.000000+00:00',
      updated_at: '2023-06-01T10:03:00.000000+00:00',
    })
  })

  test('the oldest rows have no id', async () => {
    const conversations = await read(
      `${OLDEST} INSERT INTO log (prompt, response, model, timestamp) VALUES ('a', 'b', 'm', '2023-04-01T10:00:00'), ('c', 'd', 'm', '2023-04-01 10:00:01')`,
    )
    expect(conversations.map(said)).toEqual([
      ['user: a', 'assistant: b'],
      ['user: c', 'assistant: d'],
    ])
    expect(conversations[1]?.created_at).toBe('2023-04-01T10:00:01.000000+00:00')
  })
})

describe('generation 1', () => {
  test('a row is a question and its reply, in the order of the ids', async () => {
    const conversation = await one(
      `${EARLY_1} INSERT INTO conversations VALUES ('c', 'Hello', 'gpt-4');
       INSERT INTO responses (id, model, prompt, response, conversation_id, duration_ms, datetime_utc) VALUES
        ('01z', 'llama3', 'two', 'second', 'c', 7, '2024-01-01T10:05:00+00:00'), ('01a', 'gpt-4', 'one', 'first', 'c', 5, '2024-01-01T10:00:00.5')`,
    )
    expect(said(conversation)).toEqual(['user: one', 'assistant: first', 'user: two', 'assistant: second'])
    expect(conversation).toMatchObject({
      id: 'c',
      title: 'Hello',
      model_name: 'gpt-4',
      created_at: '2024-01-01T10:00:00.500000+00:00',
      updated_at: '2024-01-01T10:05:00.000000+00:00',
      current: '01z/assistant',
    })
    expect(conversation.nodes.map(({ id, parent, model_name }) => [id, parent, model_name])).toEqual([
      ['01a/user', null, null],
      ['01a/assistant', '01a/user', 'gpt-4'],
      ['01z/user', '01a/assistant', null],
      ['01z/assistant', '01z/user', 'llama3'],
    ])
    expect(conversation.nodes[1]?.metadata).toEqual({ duration_ms: 5 })
  })

  test('a system prompt, repeated on every row, is said when it changes', async () => {
    const conversation = await one(
      `${EARLY_1} INSERT INTO conversations VALUES ('c', '', 'm');
       INSERT INTO responses (id, prompt, system, response, conversation_id) VALUES
        ('1', 'a', 'S', 'b', 'c'), ('2', 'c', 'S', 'd', 'c'), ('3', 'e', NULL, 'f', 'c'), ('4', 'g', 'T', 'h', 'c')`,
    )
    expect(conversation.title).toBeNull()
    expect(said(conversation).filter((line) => !/^(user|assistant)/.test(line))).toEqual([
      'system: S',
      'system: T',
    ])
    expect(said(conversation)[0]).toBe('system: S')
    expect(said(conversation)[7]).toBe('system: T')
  })

  test('fragments stand before the prompt', async () => {
    const conversation = await one(
      `${GENERATION_1} INSERT INTO conversations VALUES ('c', NULL, 'm'); INSERT INTO fragments (id, content) VALUES (1, 'A'), (2, 'B');
       INSERT INTO responses (id, prompt, response, conversation_id) VALUES ('1', 'question', 'b', 'c'), ('2', '', 'd', 'c');
       INSERT INTO prompt_fragments VALUES ('1', 2, 0), ('1', 1, 1), ('2', 1, 0); INSERT INTO system_fragments VALUES ('1', 1, 0)`,
    )
    expect(said(conversation)).toEqual([
      'system: A',
      'user: B\nA\nquestion',
      'assistant: b',
      'user: A',
      'assistant: d',
    ])
  })

  test('reasoning, tools and usage are kept beside what was said', async () => {
    const conversation = await one(
      `${GENERATION_1} INSERT INTO conversations VALUES ('c', NULL, 'm');
       INSERT INTO responses (id, model, prompt, response, conversation_id, reasoning, options_json, input_tokens, token_details, resolved_model) VALUES
        ('1', 'm', 'go', '', 'c', 'hm', '{}', 3, '{"x":1}', 'm-2'), ('2', 'm', '', 'done', 'c', NULL, '{"t":1}', NULL, NULL, NULL);
       INSERT INTO tool_calls (response_id, name, arguments) VALUES ('1', 'sum', '{"a":1}');
       INSERT INTO tool_results (id, response_id, name, output, exception) VALUES (1, '2', 'sum', '2', NULL), (2, '2', 'sum', NULL, 'failed');
       INSERT INTO attachments VALUES ('${HASH}', 'image/png', NULL, NULL, x'0102'); INSERT INTO tool_results_attachments VALUES (1, '${HASH}', 0)`,
    )
    expect(conversation.nodes.map(({ role, hidden, parts }) => [role, hidden, parts])).toEqual([
      ['user', false, [{ kind: 'text', text: 'go' }]],
      [
        'assistant',
        false,
        [
          { kind: 'reasoning', text: 'hm' },
          { kind: 'tool_call', name: 'sum', input: { a: 1 } },
        ],
      ],
      [
        'tool',
        true,
        [
          { kind: 'tool_result', name: 'sum', output: '2' },
          { kind: 'attachment', name: null, type: 'image/png', bytes: 2, sha256: HASH },
          { kind: 'tool_result', name: 'sum', output: { output: null, exception: 'failed' } },
        ],
      ],
      ['assistant', false, [{ kind: 'text', text: 'done' }]],
    ])
    expect(conversation.nodes[1]?.metadata).toEqual({
      resolved_model: 'm-2',
      input_tokens: 3,
      token_details: { x: 1 },
    })
    expect(conversation.nodes[3]?.metadata).toEqual({ options: { t: 1 } })
  })

  test('attachments are told by name, type, size and hash; an address has no hash', async () => {
    const conversation = await one(
      `${GENERATION_1} INSERT INTO conversations VALUES ('c', NULL, 'm'); INSERT INTO responses (id, prompt, response, conversation_id) VALUES ('1', '', 'b', 'c');
       INSERT INTO attachments VALUES ('${HASH}', 'image/png', '/home/me/a.png', NULL, NULL), ('${'cd'.repeat(32)}', 'image/gif', NULL, 'https://example.org/b.gif', NULL),
        ('short', NULL, NULL, NULL, x'00');
       INSERT INTO prompt_attachments VALUES ('1', 'short', 2), ('1', '${'cd'.repeat(32)}', 1), ('1', '${HASH}', 0)`,
    )
    expect(conversation.nodes[0]?.parts).toEqual([
      { kind: 'attachment', name: 'a.png', type: 'image/png', bytes: null, sha256: HASH },
      { kind: 'attachment', name: 'b.gif', type: 'image/gif', bytes: null, sha256: null },
      {
        kind: 'attachment',
        name: null,
        type: null,
        bytes: 1,
        sha256: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      },
    ])
  })

  test('responses without their conversation are not lost', async () => {
    const conversations = await read(
      `${EARLY_1} INSERT INTO responses (id, prompt, response, conversation_id) VALUES ('1', 'a', 'b', NULL), ('2', 'c', 'd', 'gone'), ('3', 'e', 'f', 'gone')`,
    )
    expect(conversations.map((conversation) => [conversation.id, said(conversation).length])).toEqual([
      ['1', 2],
      ['gone', 4],
    ])
  })
})

describe('generation 2', () => {
  test('a thread is the path to its tip; times and models come from the turns', async () => {
    const conversation = await one(`${GENERATION_2} ${THREAD}`)
    expect(conversation).toMatchObject({
      id: 't-1',
      title: 'Name a pelican',
      model_name: 'scripted',
      created_at: '2026-08-05T10:00:00.000000+00:00',
      updated_at: '2026-08-05T10:01:00.000000+00:00',
      current: 'b2:a2',
    })
    expect(
      conversation.nodes.map(({ id, parent, role, model_name, created_at }) => [
        id,
        parent,
        role,
        model_name,
        created_at?.slice(11, 16),
      ]),
    ).toEqual([
      ['b2:u1', null, 'user', null, '10:00'],
      ['b2:a1', 'b2:u1', 'assistant', 'scripted', '10:00'],
      ['b2:u2', 'b2:a1', 'user', null, '10:01'],
      ['b2:a2', 'b2:u2', 'assistant', 'gpt-5', '10:01'],
    ])
    expect(conversation.nodes[1]).toMatchObject({
      parts: [
        { kind: 'reasoning', text: 'dignified' },
        { kind: 'text', text: 'Percy' },
      ],
      metadata: { input_tokens: 2 },
    })
  })

  test('a fork shares messages, and their times, with the thread that it left', async () => {
    const conversations = await read(
      `${GENERATION_2} ${THREAD} INSERT INTO messages VALUES ('b2:u3', 'b2:a1', 'user', NULL), ('b2:a3', 'b2:u3', 'assistant', NULL);
       INSERT INTO parts (message_hash, position, type, text) VALUES ('b2:u3', 0, 'text', 'A seagull'), ('b2:a3', 0, 'text', 'Steven');
       INSERT INTO threads VALUES ('t-2', 'Fork', 'b2:a3', 't-1', '2026-08-06T10:00:00+00:00');
       INSERT INTO turns (id, thread_id, parent_message_hash, tip_message_hash, model, datetime_utc) VALUES ('01c', 't-2', 'b2:u3', 'b2:a3', 'm', '2026-08-06T10:00:00+00:00')`,
    )
    expect(said(conversations[1] as Conversation)).toEqual([
      'user: Name a pelican',
      'assistant: reasoning Percy',
      'user: A seagull',
      'assistant: Steven',
    ])
    expect(conversations[1]).toMatchObject({ metadata: { forked_from: 't-1' } })
    expect(conversations[1]?.nodes.map(({ created_at }) => created_at?.slice(8, 10))).toEqual([
      '05',
      '05',
      '06',
      '06',
    ])
  })

  test('a path that the thread left stays as a branch', async () => {
    const conversation = await one(
      `${GENERATION_2} ${THREAD} INSERT INTO messages VALUES ('b2:a9', 'b2:u2', 'assistant', NULL);
       INSERT INTO turns (id, thread_id, parent_message_hash, tip_message_hash, model) VALUES ('01c', 't-1', 'b2:u2', 'b2:a9', 'm')`,
    )
    expect(conversation.current).toBe('b2:a2')
    expect(conversation.nodes.at(-1)).toMatchObject({ id: 'b2:a9', parent: 'b2:u2', parts: [] })
  })

  test('borrowed texts, tools and attachments are resolved', async () => {
    const conversation = await one(
      `${GENERATION_2} INSERT INTO fragments (id, content) VALUES (1, 'The novel.');
       INSERT INTO attachments VALUES ('${HASH}', 'image/png', '/x/a.png', NULL, x'010203');
       INSERT INTO messages VALUES ('s', NULL, 'system', NULL), ('u', 's', 'user', NULL), ('a', 'u', 'assistant', NULL), ('r', 'a', 'user', NULL), ('q', 'r', 'tool', NULL);
       INSERT INTO parts (id, message_hash, position, type, tool_name, text, payload) VALUES
        (1, 's', 0, 'text', NULL, 'be brief', NULL), (2, 'u', 0, 'text', NULL, NULL, '{"text_ref":[{"fragment":1},{"literal":" What is it?"}]}'),
        (3, 'u', 1, 'attachment', NULL, NULL, '{"attachment":"${HASH}"}'), (4, 'a', 0, 'tool_call', 'sum', NULL, '{"arguments":{"a":1},"tool_call_id":"x"}'),
        (5, 'r', 0, 'tool_result', 'sum', NULL, '{"output":"2"}'), (6, 'q', 0, 'tool_result', 'sum', '3', NULL);
       INSERT INTO part_attachments VALUES (3, '${HASH}', 0);
       INSERT INTO threads VALUES ('t', NULL, 'q', NULL, '2026-08-05T10:00:00+00:00')`,
    )
    expect(conversation.nodes.map(({ role, hidden, parts }) => [role, hidden, parts])).toEqual([
      ['system', false, [{ kind: 'text', text: 'be brief' }]],
      [
        'user',
        false,
        [
          { kind: 'text', text: 'The novel. What is it?' },
          { kind: 'attachment', name: 'a.png', type: 'image/png', bytes: 3, sha256: HASH },
        ],
      ],
      ['assistant', false, [{ kind: 'tool_call', name: 'sum', input: { a: 1 } }]],
      ['tool', true, [{ kind: 'tool_result', name: 'sum', output: '2' }]],
      ['tool', true, [{ kind: 'tool_result', name: 'sum', output: '3' }]],
    ])
    expect(conversation).toMatchObject({ title: null, created_at: '2026-08-05T10:00:00.000000+00:00' })
  })

  test.each([
    ['a circle', "UPDATE messages SET parent_hash = 'b2:a2' WHERE hash = 'b2:u1'", 4],
    ['a parent that is missing', "DELETE FROM messages WHERE hash = 'b2:u1'", 3],
  ])('%s in the messages ends the path', async (_case, damage, count) => {
    const conversation = await one(`${GENERATION_2} ${THREAD} ${damage}`)
    expect(conversation.nodes).toHaveLength(count)
    const seen = new Set<string | null>([null])
    for (const { id, parent } of conversation.nodes) {
      expect(seen).toContain(parent)
      seen.add(id)
    }
  })

  test('a thread without any of its messages is refused', async () => {
    const { refused } = await readForeign(`${GENERATION_2} ${THREAD} DELETE FROM messages`, readLlm)
    expect(refused).toMatchObject([{ id: 't-1', message: 'the messages of the thread are missing' }])
  })
})

describe('generations beside each other', () => {
  const OLDER = `INSERT INTO conversations VALUES ('t-1', 'Name a pelican', 'm'), ('c-9', 'Only older', 'm');
    INSERT INTO responses (id, prompt, response, conversation_id, datetime_utc) VALUES ('02x', 'q', 'a', 'c-9', '2025-01-01T00:00:00');`

  test('what was written to both comes once', async () => {
    const conversations = await read(
      `${GENERATION_2} ${THREAD} ${OLDER} INSERT INTO responses (id, prompt, response, conversation_id) VALUES
        ('01a', 'Name a pelican', 'Percy', 't-1'), ('01b', 'And a walrus', 'Wallace', 't-1')`,
    )
    expect(conversations.map((conversation) => [conversation.id, conversation.nodes.length])).toEqual([
      ['c-9', 2],
      ['t-1', 4],
    ])
  })

  test('where the messages of a thread are lost, the older tables still have theirs', async () => {
    const conversations = await read(
      `${GENERATION_2} ${THREAD} DELETE FROM messages; INSERT INTO conversations VALUES ('t-1', 'n', 'm');
       INSERT INTO responses (id, prompt, response, conversation_id) VALUES ('01a', 'Name a pelican', 'Percy', 't-1')`,
    )
    expect(conversations.map(said)).toEqual([['user: Name a pelican', 'assistant: Percy']])
  })

  test('a conversation that went on as a thread begins with what only the older tables have', async () => {
    const conversations = await read(
      `${GENERATION_2} ${THREAD} ${OLDER} INSERT INTO responses (id, prompt, response, conversation_id, datetime_utc) VALUES
        ('00x', 'Hello', 'Hi', 't-1', '2025-12-01T00:00:00'), ('00y', 'Name a pelican', 'Percy', 't-1', '2025-12-02T00:00:00')`,
    )
    const thread = conversations.find(({ id }) => id === 't-1') as Conversation
    expect(said(thread).slice(0, 3)).toEqual(['user: Hello', 'assistant: Hi', 'user: Name a pelican'])
    expect(thread.nodes).toHaveLength(6)
    expect(thread.nodes[2]?.parent).toBe('00x/assistant')
    expect(thread).toMatchObject({ created_at: '2025-12-01T00:00:00.000000+00:00', current: 'b2:a2' })
  })
})
