// Imports and exports.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { flags, MARK, makeDatabase, oneOf } from '../database.mjs'
import { namesIn } from '../look.mjs'
import { run } from '../program.mjs'
import { changesOf } from './records.mjs'

const CHATS = 24
const MESSAGES = 50
const moment = (chat, message = 0) => new Date(Date.UTC(2025, 0, 1, chat, message)).toISOString()
const text = (chat, message) => `chat ${chat} message ${message} ${'y'.repeat(600)}`
const numbers = (count) => Array.from({ length: count }, (_, index) => index)

/** Returns chats as `export --format jsonl` writes them. */
function jsonl() {
  const lines = [{ libreollama_db_export: 1 }]
  for (const chat of numbers(CHATS)) {
    const id = `chat-${chat}`
    const times = { created_at: moment(chat), updated_at: moment(chat, MESSAGES) }
    const session = { id, title: `chat ${chat}`, model_name: null, agent_id: null, ...times }
    lines.push({ type: 'session', ...session, is_archived: 0, metadata: null })
    for (const message of numbers(MESSAGES)) {
      const said = { role: 'user', content: text(chat, message), model_name: null }
      const row = { id: `${id}-${message}`, session_id: id, ...said, created_at: moment(chat, message) }
      lines.push({ type: 'message', ...row, metadata: null })
    }
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** Returns the same chats as Claude exports them. */
function claude() {
  const chats = numbers(CHATS).map((chat) => ({
    uuid: `00000000-0000-4000-8000-${String(chat).padStart(12, '0')}`,
    name: `chat ${chat}`,
    created_at: moment(chat),
    updated_at: moment(chat, MESSAGES),
    chat_messages: numbers(MESSAGES).map((message) => ({
      uuid: `${chat}-${message}`,
      sender: message % 2 ? 'assistant' : 'human',
      text: text(chat, message),
      created_at: moment(chat, message),
    })),
  }))
  return JSON.stringify(chats)
}

const ALL = `chat_messages +${CHATS * MESSAGES}, chat_sessions +${CHATS}`

/**
 * Returns the state of an import: each chat is complete or absent, none is duplicated, and nothing else has
 * changed.
 */
async function importState(folder) {
  const { wrong, found, changes } = await changesOf(folder)
  if (wrong) return wrong
  if (changes === '') return 'before'
  if (changes === ALL) return 'after'
  if (!/^chat_messages \+\d+, chat_sessions \+\d+$/.test(changes)) return `it changed ${changes}`
  const counts = new Map()
  for (const { session_id: id } of found.get('chat_messages').values())
    counts.set(id, (counts.get(id) ?? 0) + 1)
  const torn = [...found.get('chat_sessions').keys()].find((id) => id !== 's' && counts.get(id) !== MESSAGES)
  return torn === undefined ? 'part' : `the chat ${torn} has ${counts.get(torn) ?? 0} messages`
}

const importing = (name, source) => ({
  make: async (folder, mode) => {
    await makeDatabase(folder, mode)
    writeFileSync(join(folder, name), source())
  },
  words: (folder) => ['import', join(folder, name), ...flags(folder)],
  state: importState,
  parts: true,
  reports: 6,
  spread: 16,
  // It commits every second: with a faster clock a small file has several commits too.
  environment: { FAULTS_CLOCK: '40' },
})

/** Returns the output of an export without any fault: the text of a file, or of each file of a folder. */
const read = (path) =>
  statSync(path).isDirectory()
    ? namesIn(path)
        .sort()
        .map((name) => [name, readFileSync(join(path, name), 'utf8')])
    : readFileSync(path, 'utf8')

const exporting = (format) => ({
  modes: ['wal'],
  make: async (folder, mode) => {
    await makeDatabase(folder, mode)
    await run(['export', '--format', format, '--out', join(folder, 'reference'), ...flags(folder)])
  },
  words: (folder) => ['export', '--format', format, '--out', join(folder, 'out'), ...flags(folder)],
  state: async (folder) => {
    const wrong = await oneOf(folder, { fine: ['v2', 'one'] })
    if (wrong !== 'fine') return wrong
    const out = join(folder, 'out')
    if (!existsSync(out)) return 'before'
    const [here, promised] = [out, join(folder, 'reference')].map((path) => JSON.stringify(read(path)))
    return here === promised
      ? 'after'
      : `half an export under its name (${here.length} of ${promised.length})`
  },
  converged: [0, 18], // it already exists
  tidy: (folder) => [['health', ...flags(folder)]],
  plaintext: MARK,
  mayHold: /^(out|reference)$/,
})

export default {
  'import jsonl': importing('chats.jsonl', jsonl),
  'import claude': { ...importing('chats.json', claude), modes: ['wal'] },
  'export jsonl': exporting('jsonl'),
  'export markdown': exporting('markdown'),
}
