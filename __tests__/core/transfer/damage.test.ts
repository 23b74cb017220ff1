import { AppError } from '../../../src/core/errors.ts'
import { type Conversation, Refused } from '../../../src/core/transfer/conversation.ts'
import { looksLikeChatGPT, readChatGPT } from '../../../src/core/transfer/readers/chatgpt/chatgpt.ts'
import { looksLikeClaude, readClaude } from '../../../src/core/transfer/readers/claude/claude.ts'
import {
  looksLikeLibreOllamaExport,
  readLibreOllamaExport,
} from '../../../src/core/transfer/readers/libreollama/libreollama-export.ts'
import { looksLikeLMStudio, readLMStudio } from '../../../src/core/transfer/readers/lmstudio/lmstudio.ts'
import { looksLikeOpenWebUI, readOpenWebUI } from '../../../src/core/transfer/readers/openwebui/openwebui.ts'
import { expectSound, mutations, readSample } from '../../helpers/conversation.ts'
import { rowsOf } from '../../helpers/rows.ts'

const ROUNDS = 1000

type Reader = [
  name: string,
  sample: Record<string, unknown>,
  read: (value: unknown) => Conversation,
  looksLike: (value: unknown) => boolean,
]

const LIBREOLLAMA = {
  session: {
    id: 7,
    session_name: 'Kites',
    created_at: '2025-07-15T13:54:12.1',
    is_active: true,
    metadata: {},
  },
  messages: [
    { id: 1, role: 'user', content: 'what is a kite?', created_at: '2025-07-15T13:54:13.5' },
    { id: 'm1', role: 'Assistant', content: 'a toy', created_at: null, metadata: { tokens: [3] } },
  ],
  context: [{ summary: 'toys' }],
  export_version: '3.3.0',
}

const READERS: Reader[] = [
  ['LibreOllama', LIBREOLLAMA, (value) => readLibreOllamaExport(value, 'UTC'), looksLikeLibreOllamaExport],
  ['ChatGPT', readSample('chatgpt.json'), readChatGPT, looksLikeChatGPT],
  ['Open WebUI', readSample('openwebui.json'), readOpenWebUI, looksLikeOpenWebUI],
  ['Claude', readSample('claude.json'), readClaude, looksLikeClaude],
  ['LM Studio', readSample('lmstudio.json'), (value) => readLMStudio(value, '1.json'), looksLikeLMStudio],
]

test.each(READERS)(
  '%s: whatever is damaged, it is refused or becomes a sound conversation',
  (_name, sample, read, looksLike) => {
    let refused = 0
    for (const value of mutations(sample, ROUNDS)) {
      looksLike(value)
      try {
        expectSound(read(value))
      } catch (error) {
        if (!(error instanceof Refused)) throw new Error(`of ${JSON.stringify(value)}`, { cause: error })
        refused++
      }
    }
    expect(refused).toBeLessThan(ROUNDS / 4)
  },
)

test.each(READERS)(
  '%s: each sample is recognised by its own reader only',
  (_name, sample, _read, looksLike) => {
    expect(READERS.filter(([, other]) => looksLike(other)).map(([, other]) => other)).toEqual([sample])
  },
)

test.each(READERS)(
  '%s: arrays nested a hundred thousand deep in any place are no reason to fall over',
  (_name, sample, read) => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    let kept = 0
    const text = JSON.stringify(sample)
    for (const place of text.matchAll(/"[^"\\]*":(?=["\d[{])/g)) {
      const changed = `${text.slice(0, place.index)}${place[0]}${deep},"rest":${text.slice(place.index + place[0].length)}`
      try {
        rowsOf(read(JSON.parse(changed)), { include: new Set(['reasoning', 'tools', 'hidden']) })
        kept++
      } catch (error) {
        if (!(error instanceof AppError)) expect(error).toBeInstanceOf(Refused)
        else expect(error.code).toBe('INVALID')
      }
    }
    expect(kept).toBeGreaterThan(0)
  },
)

test.each(READERS)(
  '%s: names that mean something to JavaScript are names like others',
  (_name, sample, read) => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const text = JSON.stringify(sample).replaceAll(/"(question|u1|m1|singleStep)"/g, `"${name}"`)
      expectSound(read(JSON.parse(text)))
    }
    expect(({} as Record<string, unknown>).parent).toBeUndefined()
  },
)
