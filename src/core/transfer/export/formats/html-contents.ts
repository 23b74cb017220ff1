import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { counted } from '../../../plural.ts'
import { chatTitle } from './chat-title.ts'
import { factsHtml, htmlText, timeHtml } from './html-text.ts'

/** An entry in the contents, for one chat. */
interface Entry {
  title: string
  changed: string
  messages: number
}

/** The number of entries to compress together. */
const PACK = 1000

/**
 * The contents of a page, which are complete only when all chats are written; compressed, because there may
 * be a million of them.
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

  /** The number of chats. */
  get chats(): number {
    return this.#packs.length * PACK + this.#entries.length
  }

  /** Yields the list, piece by piece. */
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

/** Shortens a title, since every title is kept until the end. */
function shortTitle(title: string): string {
  const whole = chatTitle(title)
  return whole.length > 120 ? `${whole.slice(0, 120).toWellFormed()}…` : whole
}
