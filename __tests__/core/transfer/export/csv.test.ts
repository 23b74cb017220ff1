import { chatOf, exported, HOSTILE } from '../../../helpers/exported-chats.ts'

/**
 * RFC 4180 as strictly as it is written: CRLF ends every row, a quote stands only in a quoted cell, and there
 * doubled.
 */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text)
    if (!found) throw new Error(`no cell at ${cell.lastIndex}`)
    const [, quoted, plain = '', end] = found
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === '\r\n') rows.push([])
    if (cell.lastIndex === text.length) break
  }
  return rows.slice(0, -1)
}

const withoutGuard = (cell: string) => cell.replace(/^'(?='*[=+\-@\t\r\n＝＋－＠])/, '')

test('the first row names the columns, every message has a row after it', async () => {
  const chat = chatOf([
    ['user', 'Why?'],
    ['assistant', 'Because.'],
  ])
  const { id, title } = chat.session
  expect(parseCsv((await exported('csv', [chat])).text)).toEqual([
    ['session_id', 'session_title', 'message_id', 'role', 'model_name', 'created_at', 'content'],
    [id, title, `${id}-message-0`, 'user', '', '2025-06-05T20:22:06.123456+00:00', 'Why?'],
    [id, title, `${id}-message-1`, 'assistant', 'llama3.2', '2025-06-05T20:22:06.123456+00:00', 'Because.'],
  ])
})

test.each(HOSTILE)('text with %s comes back, NUL apart', async (_situation, text) => {
  const { text: out } = await exported('csv', [chatOf([['user', text]], { title: text })])
  const [, row = []] = parseCsv(out)
  const expected = text.replaceAll('\0', '\ufffd')
  expect([withoutGuard(row[1] ?? ''), withoutGuard(row[6] ?? '')]).toEqual([expected, expected])
  expect(out).not.toContain('\0')
})

test.each([
  ['=1+1', "'=1+1"],
  ['+49 30', "'+49 30"],
  ['-5', "'-5"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', "'\r=1"],
  ['＝1', "'＝1"],
  ["'=1", "''=1"],
  ["'quoted'", "'quoted'"],
  ['1-1', '1-1'],
])('%j is written as %j, which no spreadsheet calculates', async (content, expected) => {
  const { text } = await exported('csv', [chatOf([['user', content]])])
  expect(parseCsv(text)[1]?.[6]).toBe(expected)
})

test.each([';', '\t', ','])(
  'a cell with %j is quoted: some program takes it for the end of one',
  async (sign) => {
    const { text } = await exported('csv', [chatOf([['user', `a${sign}=1`]])])
    expect(text.endsWith(`,"a${sign}=1"\r\n`)).toBe(true)
  },
)

test('no chats, and chats without messages, give the names of the columns alone', async () => {
  expect(parseCsv((await exported('csv', [])).text)).toHaveLength(1)
  expect(parseCsv((await exported('csv', [chatOf([])])).text)).toHaveLength(1)
})
