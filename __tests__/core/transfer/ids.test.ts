import { contentId, givenId, importedId, messageId } from '../../../src/core/transfer/ids.ts'
import { readChatGPT } from '../../../src/core/transfer/readers/chatgpt/chatgpt.ts'
import { readClaude } from '../../../src/core/transfer/readers/claude/claude.ts'
import { readLibreOllamaExport } from '../../../src/core/transfer/readers/libreollama/libreollama-export.ts'
import { readOpenWebUI } from '../../../src/core/transfer/readers/openwebui/openwebui.ts'

test('the same content has the same id; what is nested without end would share one, and is refused', () => {
  expect(contentId({ a: 1 })).toBe(contentId({ a: 1 }))
  expect(contentId({ a: 1 })).not.toBe(contentId({ a: 2 }))
  let deep: unknown = []
  for (let level = 0; level < 100_000; level++) deep = [deep]
  expect(() => contentId(deep)).toThrow(expect.objectContaining({ name: 'Refused' }))
})

const own = '0b1c2d3e-4F50-6172-8394-a5b6c7d8e9fa'
const made = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-/

test.each([
  ['a chat', (source: string, id: string) => importedId(source, id)],
  ['an agent', (source: string, id: string) => importedId(source, 'agent', id)],
  ['a run', (source: string, id: string) => importedId(source, 'execution', id)],
  ['a message', (source: string, id: string) => messageId(source, ['chat'], id, 'user')],
])('%s keeps the UUID that LibreOllama gave it, and no other id', (_case, idOf) => {
  expect(idOf('libreollama', own)).toBe(own)
  for (const [source, id] of [
    ['libreollama', '1@2025-06-05'],
    ['libreollama', `${own}0`],
    ['chatgpt', own],
  ] as const) {
    expect(idOf(source, id)).toMatch(made)
  }
})

test('what lies further inside a chat never takes an id of its own', () => {
  expect(importedId('libreollama', own, 'branch', own)).toMatch(made)
  expect(importedId('libreollama', 'chat', own)).toMatch(made)
})

test.each<[unknown, string | null]>([
  [' c-1 ', 'c-1'],
  ['', null],
  [null, null],
  [7, '7'],
  [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ['12345678901234567890', '12345678901234567890'],
])('the id %p of a chat is %p', (value, id) => {
  expect(givenId(value)).toBe(id)
})

test.each([
  ['ChatGPT', readChatGPT, '{"conversation_id":12345678901234567890,"mapping":{}}'],
  ['Claude', readClaude, '{"uuid":12345678901234567890,"chat_messages":[]}'],
  ['Open WebUI', readOpenWebUI, '{"id":12345678901234567890,"chat":{"messages":[]}}'],
  ['LibreOllama', readLibreOllamaExport, '{"session":{"id":12345678901234567890},"messages":[]}'],
])(
  'a chat of %s whose id would lose its last digits is refused, not taken for another',
  (_case, read, text) => {
    expect(() => read(JSON.parse(text))).toThrow(
      expect.objectContaining({ name: 'Refused', message: expect.stringContaining('too long') }),
    )
  },
)
