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
 * Characters that HTML would interpret or lose: its own, controls other than tab and newline, and those that
 * change the reading direction.
 */
const SPECIAL = /[&<>"']|(?![\t\n])\p{Cc}|\p{Bidi_Control}/gu

/**
 * Escapes text for HTML, in an element or in an attribute; invisible characters with a meaning are replaced
 * by their names.
 */
export function htmlText(text: string): string {
  return replaceAll(text, SPECIAL, (char) => NAMED[char] ?? codePointOf(char))
}

/**
 * Converts a message's text to HTML: fenced blocks as code, everything else unchanged, in its own reading
 * direction.
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

/** Works like `htmlText`, but sets the names of characters apart from the text around them. */
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

/** Formats facts in a row; leaves out empty ones. */
export function factsHtml(facts: string[], element = 'p'): string {
  const present = facts.filter((fact) => fact !== '').map((fact) => `<span>${fact}</span>`)
  return `<${element} class="facts">${present.join(' ')}</${element}>\n`
}

/** Formats a stored time as HTML. */
export function timeHtml(stored: string): string {
  const time = utcTime(stored)
  return time ? `<time datetime="${time.iso}">${time.text}</time>` : wordsHtml(stored)
}

/** Formats words of any reading direction. */
export function wordsHtml(words: string): string {
  return `<bdi lang="">${htmlText(words)}</bdi>`
}
