// Chats for benchmarks: the same in each run, as other programs could load them too.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'

/** Seconds from one message to the next, and messages per chat. */
const [SECONDS, CHAT] = [61, 50]

/**
 * Writes the same chats as jsonl and, one file per table, as CSV; no value is NULL, which CSV cannot
 * represent.
 */
export async function writeRows(folder, messages) {
  const streams = Object.fromEntries(
    ['chats.jsonl', 'agents.csv', 'chat_sessions.csv', 'chat_messages.csv'].map((name) => [
      name,
      createWriteStream(join(folder, name)),
    ]),
  )
  const write = async (name, text) => {
    if (!streams[name].write(text)) await once(streams[name], 'drain')
  }
  const put = async (table, row) => {
    const { type, ...values } = row
    const cells = Object.values(values).map((value) =>
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    )
    await write('chats.jsonl', `${JSON.stringify(row)}\n`)
    await write(`${table}.csv`, `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\n`)
  }
  await write('chats.jsonl', '{"libreollama_db_export":1,"whole":false}\n')
  const words = vocabulary()
  const agent = {
    type: 'agent',
    id: uuid('agent'),
    name: 'A',
    description: 'd',
    model_name: 'llama3',
    system_prompt: 'p',
  }
  await put('agents', {
    ...agent,
    temperature: 0.7,
    max_tokens: 100,
    created_at: time(0),
    updated_at: time(0),
    is_active: 1,
    metadata: {},
  })
  const ids = Array.from({ length: Math.ceil(messages / CHAT) }, (_, chat) => uuid(`chat ${chat}`)).sort()
  for (const [chat, id] of ids.entries()) {
    const first = chat * CHAT
    const session = { type: 'session', id, title: text(words, 30), model_name: 'llama3', agent_id: agent.id }
    await put('chat_sessions', {
      ...session,
      created_at: time(first),
      updated_at: time(first + CHAT),
      is_archived: 0,
      metadata: {},
    })
    for (let number = first; number < Math.min(first + CHAT, messages); number++) {
      const isAnswer = number % 2 === 1
      const said = { role: isAnswer ? 'assistant' : 'user', content: text(words, isAnswer ? 400 : 60) }
      const message = {
        type: 'message',
        id: uuid(`message ${number}`),
        session_id: id,
        ...said,
        model_name: 'llama3',
      }
      await put('chat_messages', { ...message, created_at: time(number), metadata: { number } })
    }
  }
  for (const stream of Object.values(streams)) {
    stream.end()
    await once(stream, 'close')
  }
}

let seed = 42
/** Returns the same numbers from 0 to 1 in each run, so that runs can be compared. */
function random() {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
  return seed / 2 ** 32
}

function vocabulary() {
  const letters = 'etaoinshrdlucmfwypvbgkjqxz'
  const letter = () => letters[Math.floor(random() * random() * letters.length)]
  return Array.from({ length: 20_000 }, () =>
    Array.from({ length: 3 + Math.floor(random() * 7) }, letter).join(''),
  )
}

function text(words, length) {
  let said = ''
  while (said.length < length) said += `${words[Math.floor(random() * random() * words.length)]} `
  return said
}

function uuid(name) {
  const hash = createHash('sha1').update(name).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

function time(number) {
  return new Date(1_700_000_000_000 + number * SECONDS * 1000).toISOString().replace('Z', '000+00:00')
}
