import { type Draft, growTree } from '../../../src/core/transfer/readers/grow-tree.ts'
import { activePath, parentsByChildren } from '../../../src/core/transfer/readers/tree.ts'

const at = (second: number) => `2025-06-05T20:22:${String(second).padStart(2, '0')}.000000+00:00`

function draft(id: string, parent: string | null, second: number | null = null, text = ''): Draft {
  return {
    id,
    parents: [parent],
    message: {
      role: 'user',
      hidden: false,
      parts: [{ kind: 'text', text }],
      model_name: null,
      created_at: second === null ? null : at(second),
      metadata: {},
    },
  }
}

const empty = (id: string, parent: string | null): Draft => ({ id, parents: [parent], message: null })

test.each<[string, Draft[], string[]]>([
  [
    'in their own order when that is right',
    [draft('a', null), draft('b', 'a'), draft('c', 'a')],
    ['a', 'b', 'c'],
  ],
  ['parents first', [draft('c', 'b'), draft('b', 'a'), draft('a', null)], ['a', 'b', 'c']],
  ['without places that hold no message', [draft('c', 'b'), empty('b', 'a'), draft('a', null)], ['a', 'c']],
  [
    'with circles cut at their first member',
    [draft('a', 'c'), draft('b', 'a'), draft('c', 'b')],
    ['a', 'b', 'c'],
  ],
  ['with a message that is its own parent', [draft('a', 'a'), draft('b', 'a')], ['a', 'b']],
  [
    'with a tail that leads into a circle',
    [draft('t', 'b'), draft('a', 'b'), draft('b', 'a')],
    ['a', 'b', 't'],
  ],
  ['once where the same is there twice', [draft('a', null), draft('a', null)], ['a']],
  ['with another name where only the id is the same', [draft('a', null), draft('a', null, 1)], ['a', 'a#2']],
  ['with a message that comes after its empty place', [empty('a', null), draft('a', null)], ['a']],
  ['with an id that is empty', [draft('', null), draft('b', null)], ['#', 'b']],
])('messages are ordered %s', (_case, drafts, expected) => {
  expect(growTree(drafts, []).nodes.map(({ id }) => id)).toEqual(expected)
})

test('what hangs in an empty place moves up to the next message', () => {
  const { nodes } = growTree([draft('a', null), empty('b', 'a'), empty('c', 'b'), draft('d', 'c')], [])
  expect(nodes[1]).toMatchObject({ id: 'd', parent: 'a' })
})

test('a parent that does not exist is cut and kept in the metadata, unless there is a second one', () => {
  const lost = draft('b', 'gone')
  const { nodes } = growTree([draft('a', null), lost, { ...lost, id: 'c', parents: ['gone', 'a'] }], [])
  expect(nodes[1]).toMatchObject({ parent: null, metadata: { source_parent: 'gone' } })
  expect(nodes[2]).toMatchObject({ parent: 'a', metadata: {} })
})

test.each<[string, Draft[], (string | null)[], string | null]>([
  ['the one given', [draft('a', null), draft('b', 'a'), draft('c', 'a')], ['b'], 'b'],
  [
    'the second one given where the first does not exist',
    [draft('a', null), draft('b', 'a')],
    ['x', 'a'],
    'a',
  ],
  ['the message above when an empty place is given', [draft('a', null), empty('b', 'a')], ['b'], 'a'],
  ['the newest leaf', [draft('a', null, 1), draft('b', 'a', 9), draft('c', 'a', 5)], [null], 'b'],
  ['the last leaf without any times', [draft('a', null), draft('b', 'a'), draft('c', 'a')], [], 'c'],
  [
    'a leaf that is as new as what it follows',
    [draft('a', null, 1), draft('b', 'a', 9), draft('c', 'b'), draft('d', 'a', 5)],
    [],
    'c',
  ],
  ['none without messages', [], ['a'], null],
])('the current message is %s', (_case, drafts, given, expected) => {
  expect(growTree(drafts, given).current).toBe(expected)
})

test('a chain of ten thousand messages is no problem, in either direction or as a circle', () => {
  const chain = Array.from({ length: 10_000 }, (_, index) => draft(`${index}`, index ? `${index - 1}` : null))
  expect(activePath(growTree(chain, [])).length).toBe(chain.length)
  expect(growTree(chain.toReversed(), []).nodes[0]?.id).toBe('0')
  const circle = growTree([draft('0', '9999'), ...chain.slice(1)], [])
  expect(activePath(circle).length).toBe(chain.length)
})

test('parents are found by the children that they list, the first of them', () => {
  const parents = parentsByChildren([
    ['a', ['b', 'c', null]],
    ['d', ['c']],
  ])
  expect([parents.get('b'), parents.get('c'), parents.get('d')]).toEqual(['a', 'a', undefined])
})
