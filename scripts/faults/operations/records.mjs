// Writes of single records. The changes are compared, record by record, with those that the command should
// make; and the full-text index has to match the messages.
import { join } from 'node:path'
import { flags, makeDatabase } from '../database.mjs'
import { difference, KEYS, recordsOf } from '../look.mjs'
import { newFolder } from '../scratch.mjs'

const opening = { key: KEYS.one }
let before

/** Returns the records that all these operations start with. */
function recordsBefore() {
  before ??= (async () => {
    const folder = newFolder('before')
    await makeDatabase(folder, 'delete')
    return recordsOf(join(folder, 'c.db'), opening)
  })()
  return before
}

/** Returns the difference between `c.db` and the state before, in words; undefined when it cannot be read. */
export async function changesOf(folder) {
  const found = await recordsOf(join(folder, 'c.db'), opening)
  if (!(found instanceof Map)) return { wrong: found ?? 'no stored key opens it' }
  return { found, changes: difference(await recordsBefore(), found) }
}

/**
 * Defines a command that changes records: `changes` when it was done; `twice` when doing it again changes
 * more.
 */
function write(words, changes, { twice, ...more } = {}) {
  return {
    make: (folder, mode) => makeDatabase(folder, mode),
    words: (folder) => [...words, '--yes', ...flags(folder)],
    state: async (folder, { stdout } = {}) => {
      const { wrong, found, changes: seen } = await changesOf(folder)
      if (wrong) return wrong
      if (seen === '') return 'before'
      if (seen === twice) return 'twice'
      if (seen !== changes) return `it changed ${seen}`
      const { id } = parsed(stdout)
      return id === undefined || holds(found, id) ? 'after' : `the record ${id} that it printed is not there`
    },
    ends: (state) => (twice && state === 'after' ? 'twice' : 'after'),
    ...more,
  }
}

function parsed(stdout) {
  try {
    return JSON.parse(stdout) ?? {}
  } catch {
    return {}
  }
}

const holds = (found, id) => [...found.values()].some((rows) => rows.has(id))

const gone = { converged: [0, 5] } // the record no longer exists

export default {
  'session create': write(['session', 'create', '--title', 'bread'], 'chat_sessions +1', {
    twice: 'chat_sessions +2',
  }),
  'session update': write(['session', 'update', 's', '--title', 'bread'], 'chat_sessions ~1', {
    modes: ['wal'],
  }),
  'session delete': write(
    ['session', 'delete', 's'],
    'agent_executions ~1, chat_messages -60, chat_sessions -1',
    gone,
  ),
  'session prune': write(
    ['session', 'prune', '--before', '2025-06-01'],
    'agent_executions ~1, chat_messages -60, chat_sessions -1',
    { modes: ['wal'] },
  ),
  'message create': write(
    ['message', 'create', '--session', 's', '--role', 'user', '--content', 'zebra'],
    'chat_messages +1, chat_sessions ~1',
    { twice: 'chat_messages +2, chat_sessions ~1' },
  ),
  'message update': write(['message', 'update', 'm7', '--content', 'zebra'], 'chat_messages ~1', {
    modes: ['wal'],
  }),
  'message delete': write(['message', 'delete', 'm7', 'm8'], 'chat_messages -2', gone),
  'agent create': write(['agent', 'create', '--name', 'Bo', '--model', 'm'], 'agents +1', {
    twice: 'agents +2',
    modes: ['wal'],
  }),
  'agent update': write(['agent', 'update', 'g', '--name', 'Bo'], 'agents ~1', { modes: ['delete'] }),
  'agent delete': write(['agent', 'delete', 'g'], 'agent_executions -1, agents -1, chat_sessions ~1', {
    ...gone,
    modes: ['wal'],
  }),
  'setting set': write(['setting', 'set', 'fresh', 'c'], 'settings +1'),
  'setting update': write(['setting', 'set', 'a', 'c'], 'settings ~1', { modes: ['delete'] }),
  'setting delete': write(['setting', 'delete', 'a'], 'settings -1', { ...gone, modes: ['wal'] }),
  'execution start': write(
    ['execution', 'start', '--agent', 'g', '--session', 's', '--input', 'do'],
    'agent_executions +1',
    { twice: 'agent_executions +2', modes: ['wal'] },
  ),
  'execution complete': write(['execution', 'complete', 'e', '--result', 'done'], 'agent_executions ~1', {
    converged: [0, 6], // it has already ended
    modes: ['wal'],
  }),
  'execution delete': write(['execution', 'delete', 'e'], 'agent_executions -1', {
    ...gone,
    modes: ['delete'],
  }),
}
