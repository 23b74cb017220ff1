import { markdownText } from '../../../../src/core/transfer/export/formats/markdown-text.ts'
import { agentOf, chatOf, exported, HOSTILE } from '../../../helpers/exported-chats.ts'

test('a chat is a title, what is known of it, and a heading for each message', async () => {
  const chat = chatOf(
    [
      ['user', 'Why?'],
      ['assistant', 'Because.\n\nReally.'],
    ],
    { id: 's1', agent: agentOf(), is_archived: true },
  )
  expect((await exported('markdown', [chat])).text).toBe(`# Bread that stays soft

- Begun: 2025-06-05 20:22 UTC
- Last changed: 2025-06-06 08:00 UTC
- Model: \`llama3.2\`
- Agent: Librarian (\`qwen3\`)
- Archived: yes
- Id: \`s1\`

## user

2025-06-05 20:22 UTC

Why?

## assistant

2025-06-05 20:22 UTC · \`llama3.2\`

Because.

Really.
`)
})

test('several chats follow each other, each with a title of its own', async () => {
  const { text } = await exported('markdown', [chatOf([], { title: 'One' }), chatOf([], { title: 'Two' })])
  expect(text.match(/^# .*/gm)).toEqual(['# One', '# Two'])
  expect(text).toContain('\n\n# Two')
})

test.each(HOSTILE)('a message with %s adds no heading and hides none', async (_situation, text) => {
  const chat = chatOf([
    ['user', text],
    ['assistant', text],
  ])
  const { text: out } = await exported('markdown', [chat])
  const outside = out.replace(/^(`{3,}|~{3,}).*\n(?:.*\n)*?\1 *$/gm, '')
  expect(outside.match(/^ {0,3}##?(?:\s.*)?$/gm)).toEqual([
    '# Bread that stays soft',
    '## user',
    '## assistant',
  ])
  expect(outside).not.toMatch(/[^\n]\n {0,3}(?:=+|-+) *\n/)
  expect(out).not.toMatch(/[\0\r\v\f\u0085\u2028\u2029]/)
})

test.each([
  ['a heading', '# a', '### a'],
  ['a lower heading', '##### a', '###### a'],
  ['a heading that looks like a role', 'x\n## user', 'x\n#### user'],
  ['a heading after a carriage return', 'x\r## user', 'x\n#### user'],
  ['a heading in a quotation', '> # a\n>> ## b', '> ### a\n>> #### b'],
  ['a heading in a list', '* # a\n1. ## b\n- > # c', '* ### a\n1. #### b\n- > ### c'],
  ['a tag of a topic', '#bread\n> #bread\n* #bread', '#bread\n> #bread\n* #bread'],
  ['a line of equals signs in a quotation', '> Title\n> ===', '> Title\n> \\==='],
  ['a line of dashes in a quotation', '> Title\n> ---', '> Title\n>\n> ---'],
  ['a rule in a quotation', '> a\n>\n> ---', '> a\n>\n> ---'],
  ['a line of equals signs', 'Title\n===', 'Title\n\\==='],
  ['a line of dashes', 'Title\n---', 'Title\n\n---'],
  ['a rule', 'a\n\n---\nb', 'a\n\n---\nb'],
  ['tags', 'a <b>bold</b>', 'a \\<b>bold\\</b>'],
  ['tags that are escaped already', 'a \\<b> \\\\<c>', 'a \\<b> \\\\\\<c>'],
  ['a comment', '<!-- a', '\\<!-- a'],
  ['a link in angle brackets', '<https://example.com/a>', '<https://example.com/a>'],
  ['less than', 'a < b <3', 'a < b <3'],
  ['inline code', 'use `<b>` or ``<i>`</i>``', 'use `<b>` or ``<i>`</i>``'],
  ['a backtick without a partner', 'a ` <b>', 'a ` \\<b>'],
  ['code that goes on in the next line', 'a `x\n` <b> `', 'a `x\n` \\<b> `'],
  ['a backtick that is escaped', '\\`<b>`', '\\`\\<b>`'],
  ['code', '```sh\n# a\n<b>\n---\n```', '```sh\n# a\n<b>\n---\n```'],
  ['code that is left open', '~~~~\n# a', '~~~~\n# a\n~~~~'],
  ['code in a list', '1. a\n   ```\n   # b\n   ```', '1. a\n   ```\n   # b\n   ```'],
  ['code in a list that falls out of it', '- ```\n# b\n```\n# c', '- ```\n  # b\n  ```\n### c'],
  ['code in a list with a blank that is none', '- ```\n\u00a0\n# b', '- ```\n  \u00a0\n  # b\n  ```'],
  ['an address that runs', '<javascript:alert(1)>', '\\<javascript:alert(1)>'],
  ['code in a quotation', '> ```\n> # b\n# c', '> ```\n> # b\n### c'],
  ['NUL', 'a\0b', 'a\ufffdb'],
])('of a message with %s, code stays and the rest keeps its place', (_situation, content, expected) => {
  expect(markdownText(content)).toBe(expected)
})

test.each([
  ['markup', '*a* _b_ `c` [d](e) snake_case', '# \\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) snake_case'],
  ['a tag', '<script>alert(1)</script>', '# \\<script>alert(1)\\</script>'],
  ['lines', 'a\n## user\r\nb', '# a ## user b'],
  ['number signs at its end', 'About C#, ##', '# About C#, \\##'],
  ['an entity', 'a &lt; b & c', '# a \\&lt; b & c'],
  ['nothing', '', '# Untitled chat'],
])('a title with %s is shown as it is, on one line', async (_situation, title, heading) => {
  const { text } = await exported('markdown', [chatOf([], { title })])
  expect(text.split('\n')[0]).toBe(heading)
})

test('models and ids with backticks stay code', async () => {
  const { text } = await exported('markdown', [chatOf([], { id: '`a', model_name: 'x``y' })])
  expect(text).toContain('- Model: ```x``y```\n- Id: `` `a ``\n')
})

test.each([
  ['backticks', '` '.repeat(300_000)],
  ['backslashes', '\\'.repeat(600_000)],
  ['number signs', '#'.repeat(600_000)],
  ['blanks', ' '.repeat(600_000)],
  ['brackets', '<'.repeat(600_000)],
  ['quotation marks', '>'.repeat(600_000)],
  ['runs of every length', Array.from({ length: 1000 }, (_, n) => '`'.repeat(n + 1)).join(' ')],
])('%s without end are written in a moment', async (_situation, text) => {
  const begun = performance.now()
  for (const name of ['markdown', 'html'])
    await exported(name, [chatOf([['user', text]], { title: text, model_name: text })])
  expect(performance.now() - begun).toBeLessThan(20_000)
})
