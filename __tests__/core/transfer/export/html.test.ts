import { createHash } from 'node:crypto'
import { htmlContent, htmlText } from '../../../../src/core/transfer/export/formats/html-text.ts'
import { agentOf, chatOf, exported, HOSTILE } from '../../../helpers/exported-chats.ts'

const TAG = /<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"<>]*")*)>/g

/**
 * The elements of a page with what they hold. Throws for anything that is neither a tag of this form nor
 * text.
 */
function readPage(page: string) {
  const body = page.slice(page.indexOf('<body>')).replace('</html>', '')
  const open: string[] = []
  const tags: { name: string; attributes: string }[] = []
  for (const [, slash, name = '', attributes = ''] of body.matchAll(TAG)) {
    if (slash === '') {
      open.push(name)
      tags.push({ name, attributes })
    } else expect(open.pop()).toBe(name)
  }
  expect(open).toEqual([])
  const rest = body.replace(TAG, '')
  expect(rest.match(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/g)).toBeNull()
  return tags
}

/** Text as a browser gives it to a reader. */
const textOf = (markup: string) =>
  markup
    .replace(TAG, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

const EVERYWHERE =
  'a article bdi body code details div figcaption figure h1 h2 h3 header li main nav ol p pre section span summary time'.split(
    ' ',
  )

test.each(HOSTILE)('text with %s stays text wherever it stands', async (_situation, text) => {
  const agent = agentOf({ name: text, system_prompt: text })
  const chat = () =>
    chatOf([['user', text, { model_name: text, created_at: text }]], {
      title: text,
      model_name: text,
      created_at: text,
      updated_at: text,
      agent,
    })
  const { text: page } = await exported('html', [chat(), chat()])
  const tags = readPage(page)
  expect([...new Set(tags.map(({ name }) => name))].filter((name) => !EVERYWHERE.includes(name))).toEqual([])
  for (const { attributes } of tags) {
    expect(attributes).toMatch(
      /^(?: (?:class|dir|lang|id|aria-label|href="#[a-z0-9-]+"|datetime)(?:="[\w :.-]*")?)*$/,
    )
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\p{Bidi_Control}/u)
})

test('the page loads nothing, runs nothing and is told so', async () => {
  const { text } = await exported('html', [chatOf([['user', 'https://example.com/a.png']])])
  const [, policy] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(text) ?? []
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? []
  const hash = createHash('sha256').update(style).digest('base64')
  expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`)
  expect(style).not.toMatch(/url\(|@import|https?:/)
  expect(text).not.toMatch(
    /<(?:script|link|img|iframe|base|form|object|svg)\b|\son\w+=|\sstyle=|\ssrc=|javascript:/i,
  )
  expect([...text.matchAll(/href="([^"]*)"/g)].every(([, target]) => target?.startsWith('#'))).toBe(true)
})

test('the contents lead to every chat, each of which is there once', async () => {
  const { text } = await exported('html', [
    chatOf([['user', 'a']], { title: 'One' }),
    chatOf([], { title: 'Two' }),
  ])
  const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
  const targets = [...text.matchAll(/href="#([^"]*)"/g)].map(([, target]) => target)
  expect(new Set(ids).size).toBe(ids.length)
  expect(targets.filter((target) => !ids.includes(target))).toEqual([])
  expect(targets).toEqual(expect.arrayContaining(['chat-1', 'chat-2']))
  const contents = text.slice(text.indexOf('<nav'))
  expect(textOf(contents)).toMatch(/Contents\s+2 chats 1 message\s+One\s+.*1 message\s+Two\s+.*0 messages/)
})

test.each([
  ['no chats', [], 'There are no chats in this export.'],
  ['a chat without messages', [chatOf([])], 'This chat has no messages.'],
  ['an empty message', [chatOf([['user', '']])], 'Nothing was written.'],
  ['no title', [chatOf([], { title: ' \n' })], 'Untitled chat'],
  ['an archived chat', [chatOf([], { is_archived: true })], 'Archived'],
])('%s is said in words', async (_situation, chats, words) => {
  const { text } = await exported('html', chats)
  readPage(text)
  expect(textOf(text.slice(text.indexOf('<body>')))).toContain(words)
  expect(text).not.toContain('<nav')
})

test('times are given to machines with milliseconds and to people in UTC', async () => {
  const { text } = await exported('html', [chatOf([['user', 'a']])])
  expect(text).toContain('<time datetime="2025-06-05T20:22:06.123Z">2025-06-05 20:22 UTC</time>')
})

test.each([
  ['of code', 'a\n```js\nx < 1\n```\nb', ['x < 1'], 'ajsx < 1b'],
  ['of code in a list', '- a\n  ```\n  x\n    y\n  ```', ['x\n  y'], '- ax\n  y'],
  ['of code in a quotation', '> ```\n> x\n> ```\nb', ['x'], 'xb'],
  ['of code that is left open', '~~~\n```\nx', ['```\nx'], '```\nx'],
  ['of code that begins with an empty line', '```\n\nx\n```', ['\nx'], '\nx'],
  ['that ends in longer fences', '```\n``\n`````\nb', ['``'], '``b'],
  ['with backticks in the line', '```not``` a fence', [], '```not``` a fence'],
])('a message %s shows it', (_situation, content, blocks, text) => {
  const markup = htmlContent(content)
  const shown = [...markup.matchAll(/<pre dir="ltr" lang=""><code>([\s\S]*?)<\/code><\/pre>/g)]
  expect(shown.map(([, code = '']) => textOf(code))).toEqual(blocks)
  expect(textOf(markup.replace(/(?<=<\/(?:div|figure)>)\n/g, ''))).toBe(text)
})

test('a megabyte of text comes through whole', () => {
  const content = '<b>🙂 & "so on"\n'.repeat(60_000)
  expect(textOf(htmlContent(content)).trim()).toBe(content.trim())
})

test.each([
  ['\u202E', 'U+202E'],
  ['\u2067', 'U+2067'],
  ['\u200F', 'U+200F'],
  ['\0', 'U+0000'],
  ['\u001b', 'U+001B'],
])('%j, which no one sees, is named', (char, name) => {
  expect(htmlText(`a${char}b`)).toBe(`a${name}b`)
  expect(htmlContent(`a${char}b`)).toContain(`a<span class="code-point">${name}</span>b`)
})
