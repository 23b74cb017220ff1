import { readRole } from '../../../src/core/transfer/readers/roles.ts'

test.each([
  ['user', 'user'],
  ['User', 'user'],
  [' ASSISTANT ', 'assistant'],
  ['System', 'system'],
  ['tool', 'tool'],
  // What Claude calls a person.
  ['human', 'user'],
  [new TextEncoder().encode('user'), 'user'],
  ['', 'system'],
  [null, 'system'],
  [{}, 'system'],
])('%p is the role %s, and nothing is lost', (value, role) => {
  expect(readRole(value)).toEqual({ role, metadata: {} })
})

test.each([
  ['AI', 'assistant'],
  ['gpt', 'assistant'],
  ['chatbot', 'assistant'],
  ['agent', 'assistant'],
  ['model', 'assistant'],
  ['function', 'tool'],
  ['observation', 'tool'],
  ['prompter', 'user'],
  ['developer', 'system'],
  ['narrator', 'system'],
  ['constructor', 'system'],
])('%p is nearest to %s, and is named beside it', (value, role) => {
  expect(readRole(value)).toEqual({ role, metadata: { source_role: value } })
})
