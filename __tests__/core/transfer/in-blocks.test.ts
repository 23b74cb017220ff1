import { inBlocks } from '../../../src/core/transfer/export/in-blocks.ts'

const BLOCK = 256 * 1024

test('pieces of any size come out together, in large blocks but for the last', async () => {
  const pieces = Array.from({ length: 900 }, (_, index) => `${index} é${'x'.repeat((index * 37) % 4000)}\n`)
  async function* text() {
    yield pieces.slice(0, 3)
    for (const piece of pieces.slice(3, 890)) yield piece
    yield pieces.slice(890).map((piece) => Buffer.from(piece))
  }
  const blocks: Buffer[] = []
  for await (const block of inBlocks(text())) blocks.push(Buffer.from(block))
  expect(Buffer.concat(blocks).toString()).toBe(pieces.join(''))
  expect(blocks.length).toBeGreaterThan(5)
  for (const block of blocks.slice(0, -1)) expect(block.length).toBeGreaterThanOrEqual(BLOCK)
})

test('a block stays as it is while the next one is filled', async () => {
  async function* text() {
    for (const letter of 'abcdef') for (let part = 0; part < 4; part++) yield letter.repeat(BLOCK / 4)
  }
  const [blocks, seen] = [inBlocks(text()), [] as string[]]
  let before = await blocks.next()
  while (!before.done) {
    const next = await blocks.next()
    seen.push(new Set(Buffer.from(before.value).toString()).values().next().value ?? '')
    expect(new Set(before.value).size).toBe(1)
    before = next
  }
  expect(seen.join('')).toBe('abcdef')
})

test('nothing gives no block', async () => {
  async function* nothing() {
    yield ''
  }
  for await (const block of inBlocks(nothing())) throw new Error(`${block.length} bytes`)
})
