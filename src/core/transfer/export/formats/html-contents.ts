import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { counted } from '../../../plural.ts'
import { chatTitle } from './chat-title.ts'
import { factsHtml, htmlText, timeHtml } from './html-text.ts'

/** What the contents say of a chat. */
interface Entry {
  title: string
  changed: string
  messages: number
}

/** How many entries are packed together. */
const PACK = 1000

/**
 * The contents of a page, which are known when all chats are written; packed, because there may be a million
 * of them.
 */
export class HtmlContents {
  readonly #packs: Buffer[] = []
  #entries: Entry[] = []
  #messages = 0

  add(entry: Entry): void {
    this.#entries.push({ ...entry, title: shortTitle(entry.title) })
    this.#messages += entry.messages
    if (this.#entries.length < PACK) return
    this.#packs.push(deflateRawSync(JSON.stringify(this.#entries)))
    this.#entries = []
  }

  /** How many there are. */
  get chats(): number {
    return this.#packs.length * PACK + this.#entries.length
  }

  /** The list, piece by piece. */
  *html(): Generator<string> {
    const counts = [counted(this.chats, 'chat'), counted(this.#messages, 'message')]
    yield `<nav id="contents" aria-label="Contents">\n<h2>Contents</h2>\n${factsHtml(counts)}<ol>\n`
    let number = 0
    for (const entries of this.#unpacked()) yield entries.map((entry) => itemHtml(entry, ++number)).join('')
    yield '</ol>\n</nav>\n'
  }

  *#unpacked(): Generator<Entry[]> {
    for (const pack of this.#packs) yield JSON.parse(inflateRawSync(pack).toString())
    yield this.#entries
  }
}

function itemHtml({ title, changed, messages }: Entry, number: number): string {
  const facts = factsHtml([timeHtml(changed), counted(messages, 'message')], 'span')
  return `<li><a href="#chat-${number}">
<span class="title" dir="auto" lang="">${htmlText(title)}</span>
${facts}</a></li>
`
}

/** Every title is kept until the end, so none may be as long as it likes. */
function shortTitle(title: string): string {
  const whole = chatTitle(title)
  return whole.length > 120 ? `${whole.slice(0, 120).toWellFormed()}…` : whole
}
