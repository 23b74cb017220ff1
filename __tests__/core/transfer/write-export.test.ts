import { existsSync, linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { databaseHealthCheck } from '../../../src/core/checks/health.ts'
import { checkPlace } from '../../../src/core/transfer/export/export-place.ts'
import type { ExportedChat } from '../../../src/core/transfer/export/exported-chats.ts'
import { writeFolder, writeNewFile } from '../../../src/core/transfer/export/write-export.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { keys, makeDatabase } from '../../helpers/database.ts'
import { chatFormat, chatOf } from '../../helpers/exported-chats.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

async function* chats(count: number, end = () => {}): AsyncGenerator<ExportedChat> {
  for (let number = 0; number < count; number++) yield chatOf([['user', 'Why?']])
  end()
}

const stop = () => {
  throw new Error('stop')
}

test('of an export that fails nothing is left, nor the folders that were made for it', async () => {
  const folder = temporaryFolder()
  const markdown = await chatFormat('markdown')
  const path = join(folder, 'a', 'b', 'out')
  const onBytes = () => {}
  const meanwhile = () => {
    expect(existsSync(path)).toBe(false)
    stop()
  }
  await expect(writeFolder(path, markdown, chats(2, meanwhile), { onBytes })).rejects.toThrow('stop')
  await expect(writeNewFile(path, markdown.write(chats(2, meanwhile)), onBytes)).rejects.toThrow('stop')
  await expect(writeFolder(path, markdown, chats(2), { onBytes: stop })).rejects.toThrow('stop')
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['a short name', 'out', 'out'],
  ['the longest name', 'x'.repeat(255), 'x'.repeat(60)],
])('what a killed export to %s left goes with the next one', async (_case, name, short) => {
  const folder = temporaryFolder()
  const left = join(folder, `${short}.export-999999999-20250605T202206123Z.new`)
  mkdirSync(left)
  writeFileSync(join(left, 'chat.md'), '')
  writeFileSync(join(folder, `${short}.export-999999998-20250605T202206123Z.new`), '')
  writeFileSync(join(folder, `other.export-999999998-20250605T202206123Z.new`), '')
  await writeFolder(join(folder, name), await chatFormat('markdown'), chats(1), { onBytes: () => {} })
  expect(readdirSync(folder)).toEqual([name])
})

const LEFT = 'out.jsonl.export-999999999-20250605T202206123Z.new'

test('an export that was killed between its two names has one of them after the next try', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'out.jsonl')
  writeFileSync(path, 'whole')
  linkSync(path, join(folder, LEFT))
  await expect(checkPlace('jsonl', path)).rejects.toMatchObject({ code: 'IO' })
  expect(readdirSync(folder)).toEqual(['out.jsonl'])
})

test('health removes the plaintext of a killed export beside the database and in the folders it is given', async () => {
  const path = await makeDatabase()
  const other = temporaryFolder()
  const running = `out.export-${process.pid}-${new Date().toISOString().replace(/[-:.]/g, '')}.new`
  for (const name of [LEFT, running]) writeFileSync(join(other, name), 'half')
  writeFileSync(join(dirname(path), LEFT), 'half')
  const migrations = await shippedMigrations()
  const { checks } = await databaseHealthCheck({ path, keys, migrations, quick: true, folders: [other] })
  expect(checks.slice(0, 2)).toEqual(
    Array(2).fill(expect.objectContaining({ name: 'interrupted', message: 'a killed export is undone now' })),
  )
  expect([readdirSync(dirname(path)), readdirSync(other)]).toEqual([['database.db'], [running]])
})

test('the last of many chats takes no longer than the first', async () => {
  const moments: number[] = []
  async function* timed(): AsyncGenerator<ExportedChat> {
    for await (const chat of chats(6000)) {
      moments.push(performance.now())
      yield chat
    }
  }
  const markdown = await chatFormat('markdown')
  await writeFolder(join(temporaryFolder(), 'out'), markdown, timed(), { onBytes: () => {} })
  const [begun = 0, early = 0, late = 0, ended = 0] = [500, 1500, 4999, 5999].map((at) => moments[at])
  expect(ended - late).toBeLessThan(3 * (early - begun))
}, 60_000)
