import { replaceAll } from '../../../replace-all.ts'
import { type Code, codeLine, splitFences } from './fences.ts'
import { utcTime } from './utc-time.ts'

const NAMED: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Characters that HTML would obey or lose: its own, controls other than tab and newline, and what turns the
 * reading direction.
 */
const SPECIAL = /[&<>"']|(?![\t\n])\p{Cc}|\p{Bidi_Control}/gu

/**
 * Text as HTML, in an element or in an attribute; characters that are invisible there and mean something are
 * named.
 */
export function htmlText(text: string): string {
  return replaceAll(text, SPECIAL, (char) => NAMED[char] ?? codePointOf(char))
}

/**
 * A message's text as HTML: fenced blocks as code, all else as it was written, in the direction it is written
 * in.
 */
export function htmlContent(content: string): string {
  return splitFences(content)
    .map((segment) => (segment.kind === 'code' ? codeBlock(segment) : textBlock(segment.lines)))
    .join('')
}

function textBlock(lines: string[]): string {
  const text = lines.join('\n').replace(/^\n+|(?<!\n)\n+$/g, '')
  return text === '' ? '' : `<div class="text" dir="auto" lang="">${named(text)}</div>\n`
}

function codeBlock(code: Code): string {
  const text = code.lines.map((line) => codeLine(line, code)).join('\n')
  const language = code.info.split(/\s/, 1)[0] ?? ''
  const label =
    language === ''
      ? ''
      : `<figcaption dir="auto">${named(language.slice(0, 40).toWellFormed())}</figcaption>`
  return `<figure class="code">${label}<pre dir="ltr" lang=""><code>${named(text)}</code></pre></figure>\n`
}

/** As `htmlText`, the names of characters set apart from the text around them. */
function named(text: string): string {
  return replaceAll(
    text,
    SPECIAL,
    (char) => NAMED[char] ?? `<span class="code-point">${codePointOf(char)}</span>`,
  )
}

function codePointOf(char: string): string {
  return `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** What is known of something, in a row; what is empty is left out. */
export function factsHtml(facts: string[], element = 'p'): string {
  const present = facts.filter((fact) => fact !== '').map((fact) => `<span>${fact}</span>`)
  return `<${element} class="facts">${present.join(' ')}</${element}>\n`
}

/** A stored time as HTML. */
export function timeHtml(stored: string): string {
  const time = utcTime(stored)
  return time ? `<time datetime="${time.iso}">${time.text}</time>` : wordsHtml(stored)
}

/** Words that may be written in any direction. */
export function wordsHtml(words: string): string {
  return `<bdi lang="">${htmlText(words)}</bdi>`
}
