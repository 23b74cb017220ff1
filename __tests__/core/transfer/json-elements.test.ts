import { jsonElements } from '../../../src/core/transfer/import/json-elements.ts'

async function elements(text: string | Buffer, size: number): Promise<unknown[]> {
  const bytes = Buffer.from(text as string)
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const found: unknown[] = []
  for await (const some of jsonElements(chunks(), 'the file'))
    for (const element of some) found.push(JSON.parse(element.toString()))
  return found
}

const ODD = [{ a: ['b"]', { c: '\\' }] }, [1, [2]], 'te,xt]', 12, null, true, {}, [], '', -1.5e3]

test.each([
  ['an array', JSON.stringify(ODD)],
  ['an array on many lines', JSON.stringify(ODD, null, 2)],
  [
    'lines',
    ODD.slice(0, 1)
      .concat(ODD.slice(2))
      .map((value) => JSON.stringify(value))
      .join('\n'),
  ],
  ['an array after a byte-order mark', `\uFEFF${JSON.stringify(ODD)}\n`],
])('the values of %s are found, wherever the pieces are cut', async (_what, text) => {
  const whole = text.includes('\n{') || text.startsWith('{') ? ODD.slice(0, 1).concat(ODD.slice(2)) : ODD
  for (const size of [1, 2, 3, 7, 1000]) expect(await elements(text, size)).toEqual(whole)
})

test.each([
  ['nothing', '', []],
  ['an empty array', ' [ ] ', []],
  ['one object', '{"a":1}', [{ a: 1 }]],
])('%s', async (_what, text, expected) => {
  expect(await elements(text, 3)).toEqual(expected)
})

test.each([
  ['an array that ends early', '[{"a":1},{"b":2}'],
  ['a string that ends early', '[{"a":"b'],
  ['an object that ends early', '{"a":{"b":1}'],
  ['something after the end', '[1] {"a":1}'],
])('%s is refused', async (_what, text) => {
  await expect(elements(text, 4)).rejects.toMatchObject({ code: 'INVALID' })
})
