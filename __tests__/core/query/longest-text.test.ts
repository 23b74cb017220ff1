import { withMemoryDatabase } from '../../../src/core/engine/connect.ts'
import {
  guardedText,
  LONGEST_TEXT,
  refuseTooLong,
  withinLimits,
} from '../../../src/core/query/longest-text.ts'
import { agent } from '../../../src/core/records/entities/agent.ts'
import { selectColumns } from '../../../src/core/records/entity.ts'
import { decodeRow } from '../../../src/core/records/record.ts'
import { replaceAll } from '../../../src/core/replace-all.ts'
import { exactColumns } from '../../../src/core/transfer/jsonl.ts'

test('a text that JavaScript cannot hold does not reach it, and is refused with its record', async () => {
  const row = await withMemoryDatabase(async (connection) => {
    await connection.exec('CREATE TABLE t (id TEXT, long TEXT, short TEXT)')
    await connection.run("INSERT INTO t VALUES ('a', printf('%.*c', ?, 'x'), 'y')", [LONGEST_TEXT + 1])
    return connection.get(`SELECT ${guardedText('long')} AS long, ${guardedText('short')} AS short FROM t`)
  })
  expect(row).toEqual({ long: Number.POSITIVE_INFINITY, short: 'y' })
  expect(() => refuseTooLong(row?.long, 'long', 't', 'a')).toThrow('long of a in t is longer than')
})

test.each(['name', 'system_prompt', 'metadata'])('%s is guarded in records and in jsonl', (name) => {
  for (const columns of [selectColumns(agent), exactColumns('agent', 'agents')])
    expect(columns).toContain(guardedText(`agents.${name}`))
  expect(() => decodeRow(agent, { id: 'a', [name]: Number.POSITIVE_INFINITY })).toThrow(
    `${name} of a in agents`,
  )
})

test('bytes that are too long to be shown in digits are refused', () => {
  const bytes = new Uint8Array(LONGEST_TEXT / 2)
  expect(() => decodeRow(agent, { id: 'a', name: bytes })).toThrow('name of a in agents')
})

test('what exceeds a limit of JavaScript is a cause', async () => {
  const tooLong = () => 'x'.repeat(LONGEST_TEXT + 1)
  await expect(
    withinLimits(
      () => 'the words',
      async () => tooLong(),
    ),
  ).rejects.toMatchObject({
    code: 'INVALID',
    message: 'the words',
  })
  await expect(
    withinLimits(
      () => '',
      async () => Promise.reject(new TypeError('other')),
    ),
  ).rejects.toThrow('other')
})

const CONTROLS = String.raw`(\x1b\[31m)|[\x00-\x1f]`

test('a long text is searched in parts, none of which ends within a sequence of the terminal', () => {
  const filler = 'a'.repeat(16 * 1024 * 1024 - 2)
  const text = `${filler}\x1b[31mb\x07`
  const shown = replaceAll(
    text,
    new RegExp(CONTROLS, 'g'),
    (char, style) => style ?? `<${char.charCodeAt(0)}>`,
  )
  expect(shown === `${filler}\x1b[31mb<7>`).toBe(true)
})
