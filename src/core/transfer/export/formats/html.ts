import { createHash } from 'node:crypto'
import type { Agent } from '../../../records/entities/agent.ts'
import type { ChatMessage } from '../../../records/entities/message.ts'
import type { ChatSession } from '../../../records/entities/session.ts'
import type { ExportedChat } from '../exported-chats.ts'
import { chatTitle } from './chat-title.ts'
import type { ChatFormat } from './export-format.ts'
import { HtmlContents } from './html-contents.ts'
import { STYLE } from './html-style.ts'
import { factsHtml, htmlContent, htmlText, timeHtml, wordsHtml } from './html-text.ts'

/**
 * One self-contained page for all chats: no scripts, nothing loaded from anywhere, whatever the messages
 * contain. The contents are at the end, because chats are written as they are read, but are shown first.
 */
export const html: ChatFormat = { name: 'html', extension: 'html', write }

async function* write(chats: AsyncIterable<ExportedChat>): AsyncGenerator<string> {
  yield beginPage()
  const contents = new HtmlContents()
  for await (const { session, agent, messages } of chats) {
    yield beginChat(contents.chats + 1, session, agent)
    let count = 0
    for await (const message of messages) {
      yield messageHtml(message)
      count++
    }
    yield endChat(count)
    contents.add({ title: session.title, changed: session.updated_at, messages: count })
  }
  if (contents.chats === 0) yield '<p class="none">There are no chats in this export.</p>\n'
  yield '</main>\n'
  if (contents.chats > 1) yield* contents.html()
  yield '</body>\n</html>\n'
}

function beginPage(): string {
  const hash = createHash('sha256').update(STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>LibreOllama chats</title>
<style>${STYLE}</style>
</head>
<body>
<h1 id="top">LibreOllama chats</h1>
<main>
`
}

function beginChat(number: number, session: ChatSession, agent: Agent | null): string {
  const facts = [
    `Begun ${timeHtml(session.created_at)}`,
    `Last changed ${timeHtml(session.updated_at)}`,
    session.model_name === null ? '' : `Model ${wordsHtml(session.model_name)}`,
    agent ? `Agent ${wordsHtml(chatTitle(agent.name))}` : '',
    session.is_archived ? 'Archived' : '',
  ]
  return `<article class="chat" id="chat-${number}">
<header>
<h2 dir="auto" lang="">${htmlText(chatTitle(session.title))}</h2>
${factsHtml(facts)}${agent?.system_prompt ? instructionsHtml(agent.system_prompt) : ''}</header>
`
}

function instructionsHtml(prompt: string): string {
  return `<details>\n<summary>Instructions of the agent</summary>\n${htmlContent(prompt)}</details>\n`
}

function messageHtml({ role, content, model_name, created_at }: ChatMessage): string {
  const name = `${role.charAt(0).toUpperCase()}${role.slice(1)}`
  const facts = [model_name === null ? '' : wordsHtml(model_name), timeHtml(created_at)]
  return `<section class="message ${htmlText(role)}">
<header><h3>${htmlText(name)}</h3>
${factsHtml(facts)}</header>
${htmlContent(content) || '<p class="none">Nothing was written.</p>\n'}</section>
`
}

function endChat(messages: number): string {
  const empty = messages === 0 ? '<p class="none">This chat has no messages.</p>\n' : ''
  return `${empty}<p class="up"><a href="#top">Back to the top</a></p>\n</article>\n`
}
