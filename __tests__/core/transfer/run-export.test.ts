import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../../../src/core/database/database.ts'
import { type ExportRequest, exportChats } from '../../../src/core/transfer/export/export-chats.ts'
import { atOneMoment } from '../../../src/core/transfer/export/exported-chats.ts'
import { EXPORT_FORMAT_NAMES } from '../../../src/core/transfer/export/formats/formats.ts'
import { withTestDatabase } from '../../helpers/database.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const FORMATS = EXPORT_FORMAT_NAMES

/** One chat of several blocks. */
async function withLongChat(work: (db: Database) => Promise<void>): Promise<void> {
  await withTestDatabase(async (db) => {
    await db.transaction((writer) =>
      writer.exec(`
        INSERT INTO chat_sessions (id, title) VALUES ('s', 'long');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO chat_messages (id, session_id, role, content)
        SELECT printf('m%05d', i), 's', iif(i % 2, 'user', 'assistant'), printf('%05d', i) || printf('%.1000c', 'x') FROM n`),
    )
    await work(db)
  })
}

function exported(db: Database, request: Omit<ExportRequest, 'selection'>) {
  return atOneMoment(db, (reader) => exportChats(reader, { selection: {}, ...request }))
}

test('each format tells how far it is within one chat, never less than before', async () => {
  await withLongChat(async (db) => {
    for (const format of FORMATS) {
      const parts: number[] = []
      const onProgress = ({ part = Number.NaN }) => parts.push(part)
      const report = await exported(db, { format, onProgress })
      expect(report).toMatchObject({ sessions: 1, skipped: [], converted: 0 })
      expect(report.bytes).toBeGreaterThan(4_000_000)
      expect(parts).toEqual(parts.toSorted((one, other) => one - other))
      expect(new Set(parts.filter((part) => part > 0.05 && part < 0.95)).size).toBeGreaterThan(3)
    }
  })
})

test('each format stops within one chat, and leaves nothing', async () => {
  await withLongChat(async (db) => {
    const folder = temporaryFolder()
    for (const format of FORMATS) {
      const controller = new AbortController()
      const onProgress = ({ part = 0 }) => part > 0.3 && controller.abort(new Error('stop'))
      const out = join(folder, 'new', 'out')
      const { signal } = controller
      await expect(exported(db, { format, out, signal, onProgress })).rejects.toThrow('stop')
      expect(readdirSync(folder)).toEqual([])
    }
  })
})

test('what is written is the same whether a chat is one block or many', async () => {
  await withLongChat(async (db) => {
    for (const format of ['openai', 'sharegpt']) {
      const blocks: Buffer[] = []
      await exported(db, { format, print: async (block) => blocks.push(Buffer.from(block)) > 0 })
      const [line] = Object.values(JSON.parse(Buffer.concat(blocks).toString())) as [Record<string, string>[]]
      const numbers = line.map((turn) => Number((turn.content ?? turn.value ?? '').slice(0, 5)))
      expect(numbers).toEqual(Array.from({ length: 4000 }, (_, index) => index + 1))
    }
  })
})
