import { contentId } from '../../../src/core/transfer/ids.ts'

test('the same content has the same id; what is nested without end would share one, and is refused', () => {
  expect(contentId({ a: 1 })).toBe(contentId({ a: 1 }))
  expect(contentId({ a: 1 })).not.toBe(contentId({ a: 2 }))
  let deep: unknown = []
  for (let level = 0; level < 100_000; level++) deep = [deep]
  expect(() => contentId(deep)).toThrow(expect.objectContaining({ name: 'Refused' }))
})
