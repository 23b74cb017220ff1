import { fileNameKey, markdownFileName } from '../../../../src/core/transfer/export/formats/file-name.ts'
import { HOSTILE } from '../../../helpers/exported-chats.ts'

const nameOf = (title: string, taken = new Set<string>()) => markdownFileName({ title }, taken)

test.each([
  ['plain words', 'Bread that stays soft', 'Bread that stays soft.md'],
  ['letters of other scripts', 'Überraschung: 日本語 שלום क्षि', 'Überraschung 日本語 שלום क्षि.md'],
  ['emoji', '👩‍👩‍👧‍👦 family', '👩‍👩‍👧‍👦 family.md'],
  ['a path', '../../etc/passwd', 'etc passwd.md'],
  ['a path of Windows', 'C:\\Windows\\system32', 'C Windows system32.md'],
  ['what Windows refuses', 'a<b>c:d"e|f?g*h', 'a b c d e f g h.md'],
  ['line ends and tabs', 'one\n\ttwo\u2028three', 'one two three.md'],
  ['controls and NUL', 'a\0b\u001b[31mc\u0085d', 'ab[31mcd.md'],
  ['what turns the direction', 'invoice\u202Efdp.exe\u202C', 'invoicefdp.exe.md'],
  ['invisible characters', 'a\u200bb\u00adc\u2060d', 'abcd.md'],
  ['a hidden file', '.bashrc', 'bashrc.md'],
  ['an option', '--help', 'help.md'],
  ['dots and spaces at the end', 'What. . .', 'What.md'],
  ['a device', 'CON', 'chat CON.md'],
  ['a device with an extension', 'nul.txt', 'chat nul.txt.md'],
  ['a device with a superscript', 'com¹', 'chat com¹.md'],
  ['what only begins like a device', 'Console', 'Console.md'],
  ['nothing', '', 'chat.md'],
  ['only dots', '...', 'chat.md'],
  ['only what is removed', '\u202e\0//', 'chat.md'],
  ['only joiners', '\u200d\u200c', 'chat.md'],
  ['letters that are composed', 'e\u0301te\u0301', 'été.md'],
  ['half of a pair', 'a\ud83d', 'a\ufffd.md'],
])('a title of %s makes a name', (_situation, title, name) => {
  expect(nameOf(title)).toBe(name)
})

test.each([
  ...HOSTILE,
  ['long words', '日本語'.repeat(100)] as const,
  ['long emoji', '👩‍👩‍👧‍👦'.repeat(50)] as const,
  ['one letter with a thousand marks', `e${'\u0301'.repeat(900)}`] as const,
])('the name for a title with %s is short, visible and safe', (_situation, title) => {
  const taken = new Set<string>()
  for (const name of [nameOf(title, taken), nameOf(title, taken), nameOf(title, taken)]) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120)
    expect(name).toMatch(/^[^\s.~-][^/\\:*?"<>|\p{Cc}\p{Bidi_Control}]*(?<![\s.])\.md$/u)
    expect(name.isWellFormed()).toBe(true)
  }
  expect(taken.size).toBe(3)
})

test('no character is cut in two', () => {
  expect(nameOf('👩‍👩‍👧‍👦'.repeat(50))).toBe(`${'👩‍👩‍👧‍👦'.repeat(4)}.md`)
})

test.each([
  ['the same', ['New Chat', 'New Chat', 'New Chat'], ['New Chat.md', 'New Chat (2).md', 'New Chat (3).md']],
  ['the same but for case', ['Bread', 'BREAD'], ['Bread.md', 'BREAD (2).md']],
  ['the same but for case in other scripts', ['ΣΑΣ', 'σας'], ['ΣΑΣ.md', 'σας (2).md']],
  ['the same for some file systems', ['straße', 'STRASSE'], ['straße.md', 'STRASSE (2).md']],
  ['the same but for width', ['Ａ', 'a'], ['Ａ.md', 'a (2).md']],
  ['the same after cleaning', ['a/b', 'a:b'], ['a b.md', 'a b (2).md']],
  ['those of others with a number', ['A (2)', 'A', 'A'], ['A (2).md', 'A.md', 'A (3).md']],
])('titles that are %s make different names', (_situation, titles, names) => {
  const taken = new Set<string>()
  expect(titles.map((title) => nameOf(title, taken))).toEqual(names)
})

test('names that are there already are respected, whatever their case', () => {
  expect(nameOf('Bread', new Set([fileNameKey('BREAD.MD')]))).toBe('Bread (2).md')
})

test('ten thousand chats of one title are named in a moment', () => {
  const taken = new Set<string>()
  const names = Array.from({ length: 10_000 }, () => nameOf('New Chat', taken))
  expect(new Set(names).size).toBe(10_000)
  expect(names.at(-1)).toBe('New Chat (10000).md')
})
