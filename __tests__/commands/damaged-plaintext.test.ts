import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { RAW_KEY } from '../helpers/database.ts'
import { fixture, keyFile } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf } from '../helpers/run.ts'

// Bytes of the first page: the page size, the format numbers, the payload fractions, the kind of its b-tree.
test.each([16, 18, 20, 100])('encrypt calls a plaintext file damaged that is so at byte %i', async (at) => {
  const path = fixture('phase21-v1-plaintext.db')
  const content = readFileSync(path)
  content.fill(0xff, at, at + 3)
  writeFileSync(path, content)
  const made = `${path}.encrypted`
  const words = ['encrypt', '--from', path, '--db', made, '--key-file', keyFile(RAW_KEY), '--json']
  const { exit, message, hint } = errorOf(await runHere(words))
  expect([exit, message]).toEqual([15, expect.stringMatching(/\.db.* damaged/)])
  expect(hint).toContain('look for another copy of the file')
  expect([existsSync(made), readFileSync(path).equals(content)]).toEqual([false, true])
})
